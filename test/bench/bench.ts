/**
 * `npm run bench [-- --only kernel|sockets|mqtt|simulation|gateway] [--json]`: what things cost, against what the
 * platform itself takes for the same. It informs, and so its exit status is 0 whatever it finds. All of it takes about
 * four minutes.
 */

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { isMet, type Figure } from './figure.ts';
import { gatewayFigures } from './gateway.ts';
import { kernelFigures } from './kernel.ts';
import { mqttFigures } from './mqtt.ts';
import { simulationFigures } from './simulation.ts';
import { socketFigures } from './sockets.ts';
import { table, unmet } from './table.ts';

const PARTS: Readonly<Record<string, (notMeasured: (why: string) => void) => Promise<Figure[]>>> = {
  kernel: kernelFigures,
  sockets: socketFigures,
  mqtt: mqttFigures,
  simulation: simulationFigures,
  gateway: gatewayFigures,
};

const { only, json } = options();
const figures: Figure[] = [];
const notMeasured: string[] = [];
for (const [name, measure] of Object.entries(PARTS)) {
  if (only === undefined || only === name) figures.push(...(await measure((why) => notMeasured.push(why))));
}

const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'} x ${cpus().length}, Node ${process.version}`;
if (json) {
  console.log(
    JSON.stringify(
      { machine, figures: figures.map((one) => ({ ...one, met: isMet(one) ?? null })), notMeasured },
      null,
      2,
    ),
  );
} else {
  console.log(`${machine}\n\n${table(figures)}\n`);
  const sentences = [...unmet(figures), ...notMeasured.map((why) => `NOT MEASURED: ${why}`)];
  console.log(sentences.length === 0 ? 'every budget is met' : sentences.join('\n'));
}

function options(): { readonly only: string | undefined; readonly json: boolean } {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
    if (values.only === undefined || Object.hasOwn(PARTS, values.only)) return { only: values.only, json: values.json };
    console.error(`--only must be one of: ${Object.keys(PARTS).join(', ')}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
  return process.exit(2);
}
