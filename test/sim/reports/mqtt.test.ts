/** Reports about MQTT clients and brokers: one test a report, whose address stands in it. */

import { describe, expect, it } from 'vitest';
import { type MqttBrokerSettings, mqttBroker, mqttFirmware } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { type Seen, watch } from './hosts.ts';

const PINGREQ_BYTES = 2;

/** A client and its broker, with the seconds at which either gave the other up. */
function session(client: Parameters<typeof mqttFirmware>[0], broker: Partial<MqttBrokerSettings> = {}) {
  const offlineS: number[] = [];
  const lostS: number[] = [];
  const sim = new Simulation({
    onTrace: (event) => {
      if (event.kind === 'offline') offlineS.push(event.atMs / 1000);
      if (event.kind === 'lost') lostS.push(event.atMs / 1000);
    },
  });
  sim.addServer(mqttBroker(broker));
  const device = sim.addDevice({ firmware: mqttFirmware({ publishIntervalMs: 0, ...client }) });
  return { sim, device, offlineS, lostS, ...watch(sim, device.name) };
}

/** Seconds between the PINGREQs. */
function gaps(sent: readonly Seen[]): number[] {
  const times = sent.filter(({ bytes }) => bytes === PINGREQ_BYTES).map(({ atS }) => atS);
  return times.slice(1).map((atS, i) => atS - (times[i] ?? 0));
}

describe('a broker', () => {
  // https://github.com/eclipse-mosquitto/mosquitto/issues/2124
  it('mosquitto: a client with a keep alive of 10 s has 15 s, and not a PINGREQ more', async () => {
    const { sim, device, offlineS, sent } = session({ keepAliveS: 10 }, { keepAlive: 'mosquitto' });
    await sim.runFor('35s');
    const lastS = sent.findLast(({ bytes }) => bytes > 0)?.atS ?? 0;
    device.cable.pull();
    await sim.runFor('60s');
    // mosquitto looks every 6 s.
    expect((offlineS[0] ?? 0) - lastS).toBeGreaterThan(15);
    expect((offlineS[0] ?? 0) - lastS).toBeLessThan(22);
  });

  // https://github.com/emqx/emqx/issues/3547
  it('EMQX 4: a client with a keep alive of 60 s is taken offline after 90 to 135 s, here about 140', async () => {
    const { sim, device, offlineS, sent } = session({ keepAliveS: 60 }, { keepAlive: 'emqx-4' });
    await sim.runFor('65s');
    device.cable.pull();
    const lastS = sent.findLast(({ bytes }) => bytes > 0)?.atS ?? 0;
    await sim.runFor('200s');
    expect((offlineS[0] ?? 0) - lastS).toBeGreaterThan(90);
    expect(Math.abs((offlineS[0] ?? 0) - lastS - 140)).toBeLessThan(25);
  });
});

describe('a client', () => {
  it.each([
    // https://github.com/espressif/esp-mqtt/issues/32
    ['esp-mqtt, keep alive 120 s: PINGREQ each 60 s', 'esp-mqtt', 120, 60],
    // https://github.com/loboris/MicroPython_ESP32_psRAM_LoBo/issues/312
    ['esp-mqtt, keep alive 30 s: PINGREQ each 15.02 s', 'esp-mqtt', 30, 15.02],
    // https://github.com/mqttjs/MQTT.js/issues/1782
    ['MQTT.js, keep alive 60 s: PINGREQ each 60 s', 'mqtt.js', 60, 60],
  ] as const)('%s', async (_, pings, keepAliveS, everyS) => {
    const { sim, sent } = session({ keepAliveS, pings });
    await sim.runFor('10m');
    expect(gaps(sent).length).toBeGreaterThan(5);
    for (const gapS of gaps(sent)) expect(Math.abs(gapS - everyS)).toBeLessThan(1.1);
  });

  // https://github.com/mqttjs/MQTT.js/issues/1022
  it('MQTT.js: offline is told a minute or so after the network is gone, with the keep alive of 60 s', async () => {
    const { sim, device, lostS } = session({ keepAliveS: 60, pings: 'mqtt.js' });
    await sim.runFor('3m');
    device.cable.pull();
    const sinceS = sim.nowMs / 1000;
    await sim.runFor('3m');
    expect((lostS[0] ?? 0) - sinceS).toBeGreaterThan(30);
    expect((lostS[0] ?? 0) - sinceS).toBeLessThan(91);
  });
});
