/**
 * A plan file: faults, one in each line. It can also name the devices, their options and protocols, and the
 * expectations.
 *
 *     devices 40 meter                        # meter-1 to meter-40
 *     devices 5 pump
 *     profile w5500 on meter-*
 *     link delay 300ms, loss 2% on meter-1..20
 *     protocol mqtt on pump-*
 *     beat 10s on meter-*
 *     cable-pull on meter-7 at 1m for 30s
 *     expect server notices cable-pull within 30s
 */

import type { Fault } from '../faults/fault.ts';
import { describePlanError, parsePlan } from '../faults/plan.ts';
import { type Expectation, parseExpectation } from '../verdict/expectation.ts';
import type { NumberedDevices } from './device-groups.ts';
import { isDeviceOption, type TargetedOption, targetedOption } from './device-options.ts';
import { isSpeechOption } from './protocol-command.ts';
import { usage } from './values.ts';

export interface PlanFile {
  readonly faults: readonly Fault[];
  /** Undefined if the file does not name devices. */
  readonly devices: readonly NumberedDevices[] | undefined;
  readonly targetedOptions: readonly TargetedOption[];
  readonly expectations: readonly Expectation[];
  /** Lines that are not faults, unchanged. */
  readonly otherLines: readonly string[];
}

/** Tells of the lines of a plan file that are not faults. */
const OTHER_LINES =
  '\na line can also begin with devices, expect, or an option of devices and protocols without its dashes, such as link';

export const NO_PLAN: PlanFile = {
  faults: [], devices: undefined, targetedOptions: [], expectations: [], otherLines: [],
};

/** Reads a plan file. `name` is its name in messages. Throws a Problem. */
export function parsePlanFile(text: string, name: string): PlanFile {
  const devices: NumberedDevices[] = [];
  const targetedOptions: TargetedOption[] = [];
  const expectations: Expectation[] = [];
  const otherLines: string[] = [];
  // Lines that are not faults become empty lines, so that line numbers stay the same.
  const faultLines = text.split('\n').map((line, i) => {
    const place = `${name}, line ${i + 1}`;
    const content = line.replace(/#.*/, '').trim();
    const [word = '', ...rest] = content.split(/\s+/);
    const more = rest.join(' ');
    if (word === 'devices') devices.push(rowOf(more, place));
    else if (word === 'expect') expectations.push(expectationOf(more, place));
    else if (isDeviceOption(word) || isSpeechOption(word)) targetedOptions.push(targetedOption(word, more, place));
    else return line;
    otherLines.push(content);
    return '';
  });
  const faults = parsePlan(faultLines.join('\n'));
  if ('message' in faults) {
    const [line = ''] = text.split('\n').slice(faults.line - 1);
    const isFirstWord = line.slice(0, faults.column - 1).trim() === '';
    throw usage(`${name}, line ${faults.line}: ${describePlanError(text, faults)}${isFirstWord ? OTHER_LINES : ''}`);
  }
  const prefixes = devices.map(({ prefix }) => prefix);
  const twice = prefixes.find((prefix, i) => prefixes.indexOf(prefix) !== i);
  if (twice !== undefined) throw usage(`${name}: two groups have a device ${twice}-1: rename one group`);
  if (faults.length + otherLines.length === 0) throw usage(`${name}: the plan is empty`);
  return { faults, devices: devices.length === 0 ? undefined : devices, targetedOptions, expectations, otherLines };
}

/** Reads the lines of a plan that was valid before. */
export function readPlanLines(lines: readonly string[]): PlanFile {
  return lines.length === 0 ? NO_PLAN : parsePlanFile(lines.join('\n'), 'the plan');
}

/** Reads `40 meter`. Throws a Problem. */
function rowOf(text: string, place: string): NumberedDevices {
  const [, count, prefix = 'dev'] = /^(\d+)(?: ([\w.-]+))?$/.exec(text) ?? [];
  if (count === undefined || Number(count) < 1) {
    throw usage(`${place}: expected 'devices', a number above 0, and optionally a name, as in 'devices 40 meter'`);
  }
  return { prefix, count: Number(count) };
}

function expectationOf(text: string, place: string): Expectation {
  const expectation = parseExpectation(text);
  if (typeof expectation === 'string') throw usage(`${place}: ${expectation}`);
  return expectation;
}
