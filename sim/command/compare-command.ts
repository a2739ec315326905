/** `cablepull compare`: two stored traces side by side, as of a server before and after a change. */

import { table } from '../text.ts';
import { compare, comparisonRows, isWorse } from '../verdict/comparison.ts';
import { summarize } from '../verdict/summary.ts';
import { defineCommand } from './command.ts';
import { readStoredTrace } from './stored-trace.ts';
import { inputName, percent, usage } from './values.ts';

export const compareCommand = defineCommand({
  name: 'compare',
  about: "compares the figures of two traces that 'cablepull run --json > trace.ndjson' has stored",
  needs: 'the files of two traces, as in: cablepull compare before.ndjson after.ndjson',
  example: 'cablepull compare before.ndjson after.ndjson --tolerance 10%',
  options: {
    tolerance: {
      type: 'string', value: '10%',
      help: 'set the exit status to 1 if a figure has grown by more than this (by default it is always 0)',
    },
    json: { type: 'boolean', default: false, help: 'print the comparison as a JSON object' },
  },
  async run({ values, operands }, terminal) {
    const [before, after, ...more] = operands;
    if (before === undefined || after === undefined || more.length > 0) {
      throw usage(`compare takes two traces, not ${operands.length}`);
    }
    const tolerance = percent('--tolerance', values.tolerance);
    const [earlier, later] = [
      await readStoredTrace(inputName('the first trace', before), terminal),
      await readStoredTrace(inputName('the second trace', after), terminal),
    ].map(({ findings }) => summarize(findings));
    if (earlier === undefined || later === undefined) throw new Error('there were two');
    const figures = compare(earlier, later);
    if (values.json) terminal.printJson({ kind: 'comparison', figures });
    else terminal.print(table(comparisonRows(figures, tolerance ?? 0)));
    return tolerance !== undefined && figures.some((figure) => isWorse(figure, tolerance)) ? 1 : 0;
  },
});
