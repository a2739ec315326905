/**
 * `npm run bench [-- --only PART] [--all] [--against FILE] [--json]`: what things cost, against what the platform itself
 * takes for the same, in the same run. It informs, and so its exit status is 0 for any result. Without `--all` it
 * has the rows that people look at, takes about two minutes on a machine at rest, and says what it leaves out. `--json`
 * can be stored, and `--against` compares with that.
 */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { commandFigures } from './command.ts';
import { isMet, type Figure } from './figure.ts';
import { gatewayFigures } from './gateway.ts';
import { kernelFigures } from './kernel.ts';
import { mqttFigures } from './mqtt.ts';
import { nodeHostFigures } from './node-host.ts';
import type { Asked } from './part.ts';
import { simulationFigures } from './simulation.ts';
import { socketFigures } from './sockets.ts';
import { startFigures } from './start.ts';
import { table, unmet } from './table.ts';

/** `seldom`: subject of the rows that are only measured with `--all`. */
const PARTS: Readonly<Record<string, { measure(asked: Asked): Promise<Figure[]>; readonly seldom?: string }>> = {
  start: { measure: startFigures },
  kernel: { measure: kernelFigures },
  simulation: { measure: simulationFigures },
  command: { measure: commandFigures },
  sockets: { measure: socketFigures },
  'node-host': { measure: nodeHostFigures },
  gateway: { measure: gatewayFigures, seldom: 'the gateway' },
  mqtt: { measure: mqttFigures, seldom: 'MQTT boards beside MQTT.js' },
};

const { only, all, json, before } = options();
const machine =
  `${cpus()[0]?.model.trim() ?? 'unknown processor'} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GB, ` +
  `${type()} ${release()}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start`;
const figures: Figure[] = [];
const notMeasured: string[] = [];
for (const [name, { measure, seldom }] of Object.entries(PARTS)) {
  if (only !== undefined && only !== name) continue;
  if (seldom !== undefined && !all && only === undefined) {
    notMeasured.push(`${seldom} (--all, or --only ${name})`);
    continue;
  }
  const startMs = performance.now();
  figures.push(...(await measure({ all, notMeasured: (why) => notMeasured.push(why) })));
  console.error(`${name}: ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
}

if (json) {
  const stored = figures.map((one) => ({ ...one, met: isMet(one) ?? null }));
  console.log(JSON.stringify({ machine, figures: stored, notMeasured }, null, 2));
} else {
  console.log(`${machine}\n\n${table(figures, before)}\n`);
  const sentences = [...unmet(figures), ...notMeasured.map((why) => `NOT MEASURED: ${why}`)];
  console.log(sentences.length === 0 ? 'every budget is met' : sentences.join('\n'));
}

interface BenchOptions {
  readonly only: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
  /** Ratios of the run that this run is compared with. */
  readonly before: ReadonlyMap<string, number> | undefined;
}

function options(): BenchOptions {
  try {
    const { values: { only, against, all, json } } = parseArgs({
      options: {
        only: { type: 'string' }, against: { type: 'string' },
        all: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
      },
    });
    if (only === undefined || Object.hasOwn(PARTS, only)) {
      return { only, all, json, before: against === undefined ? undefined : ratiosIn(against) };
    }
    console.error(`--only must be one of: ${Object.keys(PARTS).join(', ')}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
  return process.exit(2);
}

/** Ratios of a run that `--json` has stored. */
function ratiosIn(file: string): ReadonlyMap<string, number> {
  const stored: { readonly figures?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(stored.figures)) throw new Error(`--against: ${file} is not what npm run bench -- --json prints`);
  return new Map(stored.figures.map(({ what, ratio }: Figure) => [what, ratio]));
}
