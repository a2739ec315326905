/** The matchers of cablepull/vitest on a bench with a real server: they wait in real time, and show what happened. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import '../../../sim/vitest/index.ts';
import { heartbeatFirmware } from '../../../sim/index.ts';
import { ServerBench } from '../../../sim/server-bench/index.ts';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';

/** A server that prints nothing, and notices dead clients by its keepalive of 3/3/3. */
const PYTHON = ['python3', fileURLToPath(new URL('server.py', import.meta.url)), '39002', 'keepalive', 'mute'];

let bench: ServerBench | undefined;

afterEach(() => bench?.stop());

it.skipIf(!HAS_NAMESPACES)(
  'say when a real server notices a device without power, which it does not before its keepalive gives up',
  { timeout: 60_000 },
  async () => {
    bench = await ServerBench.start({ command: PYTHON });
    const firmware = heartbeatFirmware({ servers: bench.servers, expectAnswers: false, beatIntervalMs: 600_000 });
    const device = bench.addDevice({ firmware });
    await bench.runFor('1s');
    device.power.cut();
    await expect(bench).not.toNotice(device, { by: 'server', within: '5s' });
    await expect(expect(bench).toNotice(device, { by: 'server', within: '6s' })).rejects.toThrow(
      /power-loss on dev-1 at .*the server has not noticed[\s\S]*FAULT power-loss on dev-1/,
    );
    await expect(bench).toNotice(device, { by: 'server', within: '13s' });
    device.power.restore();
    await expect(bench).toRecover(device, { within: '10s' });
  },
);
