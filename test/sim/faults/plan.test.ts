/** The language of fault plans: what it reads, what it prints, and what it says of what it cannot read. */

import { describe, expect, it } from 'vitest';
import { FAULT_KINDS, formatFault, targets, type Fault } from '../../../sim/faults/fault.ts';
import { describePlanError, devicesOf, parsePlan, type PlanError } from '../../../sim/faults/plan.ts';
import { Seeded } from '../../support/seeded.ts';

function faults(text: string): readonly Fault[] {
  const plan = parsePlan(text);
  if ('message' in plan) throw new Error(describePlanError(text, plan));
  return plan;
}

function error(text: string): PlanError {
  const plan = parsePlan(text);
  if (!('message' in plan)) throw new Error(`${text} is a plan`);
  return plan;
}

describe('a plan', () => {
  it('is one fault a line', () => {
    expect(faults('cable-pull on dev-1 at 10s for 30s\nhang on dev-* at 1.5m')).toEqual([
      { kind: 'cable-pull', target: 'dev-1', atMs: 10_000, forMs: 30_000 },
      { kind: 'hang', target: 'dev-*', atMs: 90_000, forMs: undefined },
    ]);
  });

  it('may have blanks, empty lines and comments, and ends of lines as Windows has them', () => {
    const text = '\uFEFF# what happens\r\n\r\n  power-loss\ton  dev-1 at 0s   # at once\r\n\t\r\nreset on dev-2 at 1h\r\n';
    expect(faults(text).map(formatFault)).toEqual(['power-loss on dev-1 at 0s', 'reset on dev-2 at 1h']);
    expect(faults('')).toEqual([]);
    expect(faults('# nothing')).toEqual([]);
  });

  it('is read as it was printed, whatever it says', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = new Seeded(seed);
      const duration = (least: number) => least / 1000 + random.below(random.pick([1000, 100_000, 100_000_000])) / random.pick([1, 10, 1000]);
      const made = Array.from({ length: random.below(4) }, (): Fault => {
        const kind = random.pick(FAULT_KINDS);
        const letters = Array.from({ length: 1 + random.below(6) }, () => random.pick([...'ab1-_.*+?^$|()[]{}\\/äΩ"\'']));
        return {
          kind,
          target: letters.join(''),
          atMs: Math.round(duration(0) * 1000) / 1000,
          forMs: kind === 'reset' || random.chance(3) ? undefined : Math.round(duration(1) * 1000) / 1000,
        };
      });
      const text = made.map(formatFault).join(random.pick(['\n', '\r\n', '\n\n# and\n']));
      expect(faults(text), `seed ${seed}: ${text}`).toEqual(made);
    }
  });
});

describe('what is no plan', () => {
  const kinds = 'a fault (cable-pull, power-loss, hang, crash, reset)';
  const times = '500ms, 30s, 1.5m, 2h or 1d';
  it.each([
    ['explode on dev-1 at 1s', 1, `expected ${kinds}, not 'explode'`],
    ['Hang on dev-1 at 1s', 1, `expected ${kinds}, not 'Hang'`],
    ['toString on dev-1 at 1s', 1, `expected ${kinds}, not 'toString'`],
    ['hang', 6, "expected 'on' and a device, but the line ends"],
    ['hang dev-1 at 1s', 6, "expected 'on' and a device, not 'dev-1'"],
    ['hang on', 9, "expected the name of a device, as in 'on dev-1', but the line ends"],
    ['hang on dev-1', 15, "expected 'at' and a time, but the line ends"],
    ['hang on dev-1 in 1s', 15, "expected 'at' and a time, not 'in'"],
    ['hang on dev-1 at', 18, `expected a time such as ${times}, but the line ends`],
    ['hang on dev-1 at   # soon', 18, `expected a time such as ${times}, but the line ends`],
    ['hang on dev-1 at 10', 18, `expected a time such as ${times}, not '10'`],
    ['hang on dev-1 at -1s', 18, `expected a time such as ${times}, not '-1s'`],
    ['hang on dev-1 at 1s until 2s', 21, "expected 'for' and a duration, or the end of the line, not 'until'"],
    ['hang on dev-1 at 1s for', 25, `expected a duration such as ${times}, but the line ends`],
    ['hang on dev-1 at 1s for ever', 25, `expected a duration such as ${times}, not 'ever'`],
    ['hang on dev-1 at 1s for 0s', 25, "expected a duration above 0, not '0s'"],
    ['hang on dev-1 at 1000000d', 18, "expected a time of at most 13031d (35 years), not '1000000d'"],
    ['hang on dev-1 at 1s for 1000000d', 25, "expected a duration of at most 13031d (35 years), not '1000000d'"],
    ['  hang on dev-1 at 1s for 2s 3s', 30, "expected the end of the line, not '3s'"],
    ['reset on dev-1 at 1s for 2s', 22, "a reset is over at once: it has no 'for'"],
    ...['loss', 'latency', 'jitter', 'bandwidth', 'duplicate', 'reorder', 'corrupt', 'one-way', 'nat-timeout'].map((kind) => [
      `${kind} 10% on dev-3 at 0s`, 1, `'${kind}' cannot be in a plan in this version; a plan can have cable-pull, power-loss, hang, crash, reset`,
    ] as const),
  ] as const)('%s', (text, column, message) => {
    expect(error(text)).toEqual({ line: 1, column, message });
    expect(error(`# first\r\nhang on dev-1 at 1s\r\n${text}\r\n`)).toEqual({ line: 3, column, message });
  });

  it('is shown with a mark below the word, also after a tab and at the end of the line', () => {
    const show = (text: string) => describePlanError(text, error(text)).split('\n').slice(1);
    expect(show('# a\n\thang on dev-1 for 1s\r\n')).toEqual(['  \thang on dev-1 for 1s', '  \t              ^']);
    expect(show('hang on dev-1 at')).toEqual(['  hang on dev-1 at', '                   ^']);
    expect(show('hang on dev-1 at \r')).toEqual(['  hang on dev-1 at', '                   ^']);
  });
});

describe('a target', () => {
  it.each([
    ['dev-1', ['dev-1']],
    ['dev-*', ['dev-1', 'dev-2', 'dev-10']],
    ['*', ['dev-1', 'dev-2', 'dev-10', 'pump.a', 'a+b']],
    ['*1', ['dev-1']],
    ['*1*', ['dev-1', 'dev-10']],
    ['d*v*0', ['dev-10']],
    ['*-*-*', []],
    ['dev-1*1', []],
    ['', []],
    ['dev', []],
    ['DEV-1', []],
    ['pump.a', ['pump.a']],
    ['dev.1', []],
    ['a+b', ['a+b']],
    ['[ad]*', []],
    ['.*', []],
    ['(', []],
  ])('%s', (target, devices) => {
    expect(['dev-1', 'dev-2', 'dev-10', 'pump.a', 'a+b'].filter((device) => targets(target, device))).toEqual(devices);
  });

  it('of nothing but asterisks takes no time', () => {
    expect(targets(`${'*a'.repeat(1000)}*b`, 'a'.repeat(2000))).toBe(false);
  });

  it('that means nobody is told with the names there are', () => {
    const fault = (target: string): Fault => ({ kind: 'hang', target, atMs: 0, forMs: undefined });
    expect(devicesOf(fault('dev-*'), ['dev-1', 'dev-2'])).toEqual(['dev-1', 'dev-2']);
    expect(devicesOf(fault('pump'), ['dev-1', 'dev-2'])).toBe("no device is called 'pump'; there are dev-1 to dev-2");
    expect(devicesOf(fault('pump'), ['dev-1'])).toBe("no device is called 'pump'; there is dev-1");
  });
});
