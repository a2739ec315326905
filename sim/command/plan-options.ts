/** Faults and expectations, from options and files. */

import type { Fault } from '../faults/fault.ts';
import { describePlanError, parsePlan } from '../faults/plan.ts';
import { type Expectation, EXPECTATION_EXAMPLES, parseExpectation } from '../verdict/expectation.ts';
import { nameOfInput, readText, usage } from './values.ts';

/** What `--help` says of `--expect`. */
export const EXPECT_HELP = `also ${EXPECTATION_EXAMPLES.slice(1).map((one) => `'${one}'`).join(', ')}; exit status 1 if it is not so`;

export function readPlan(lines: readonly string[], file: string | undefined): readonly Fault[] {
  return [
    ...(file === undefined ? [] : readPlanFile(file)),
    ...lines.flatMap((line) => parseOrRefuse(line, '--fault', () => '--fault')),
  ];
}

function readPlanFile(file: string): readonly Fault[] {
  const name = nameOfInput(file);
  return parseOrRefuse(readText('--plan', file), name, (line) => `${name}, line ${line}`);
}

/** `source` is where the plan stands, `place` where its n-th line does. */
function parseOrRefuse(text: string, source: string, place: (line: number) => string): readonly Fault[] {
  const plan = parsePlan(text);
  if ('message' in plan) throw usage(`${place(plan.line)}: ${describePlanError(text, plan)}`);
  if (plan.length === 0) throw usage(`${source}: there is no fault in it`);
  return plan;
}

export function readExpectations(texts: readonly string[]): readonly Expectation[] {
  return texts.map((text) => {
    const expectation = parseExpectation(text);
    if (typeof expectation === 'string') throw usage(`--expect: ${expectation}`);
    return expectation;
  });
}
