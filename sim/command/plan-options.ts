/** Faults and expectations, from options and files. */

import type { Fault } from '../faults/fault.ts';
import { describePlanError, parsePlan } from '../faults/plan.ts';
import { type Expectation, EXPECTATION_EXAMPLES, parseExpectation } from '../verdict/expectation.ts';
import { NO_PLAN, parsePlanFile, type PlanFile } from './plan-file.ts';
import { nameOfInput, readText, usage } from './values.ts';

/** Help of `--expect`. */
export const EXPECT_HELP = `an expectation; the exit status is 1 if it is not met. Others are ${EXPECTATION_EXAMPLES.slice(1).map((one) => `'${one}'`).join(', ')}`;

/** Reads the file of `--plan`. Throws a Problem. */
export function readPlanFile(file: string | undefined): PlanFile {
  return file === undefined ? NO_PLAN : parsePlanFile(readText('--plan', file), nameOfInput(file));
}

/** Reads the values of `--fault`. Throws a Problem. */
export function readFaults(lines: readonly string[]): readonly Fault[] {
  return lines.flatMap((line) => {
    const plan = parsePlan(line);
    if ('message' in plan) throw usage(`--fault: ${describePlanError(line, plan)}`);
    if (plan.length === 0) throw usage('--fault is empty');
    return plan;
  });
}

export function readExpectations(texts: readonly string[]): readonly Expectation[] {
  return texts.map((text) => {
    const expectation = parseExpectation(text);
    if (typeof expectation === 'string') throw usage(`--expect: ${expectation}`);
    return expectation;
  });
}
