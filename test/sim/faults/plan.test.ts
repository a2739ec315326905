/** The language of fault plans: how plans are read and printed, and the messages about wrong lines. */

import { describe, expect, it } from 'vitest';
import { type Fault, formatFault, type Range, targets } from '../../../sim/faults/fault.ts';
import { FAULT_KINDS, FAULTS } from '../../../sim/faults/kinds/index.ts';
import { problemOf, targetsOf } from '../../../sim/faults/hosts.ts';
import { describePlanError, parsePlan, type PlanError } from '../../../sim/faults/plan.ts';
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

const once = (ms: number): Range => ({ fromMs: ms, toMs: ms });

/** Arguments as a plan prints them, each with the kinds of faults that take it. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  '10%': ['loss', 'duplicate', 'reorder', 'corrupt'],
  '0.5%': ['loss', 'corrupt'],
  '100%': ['loss'],
  '300ms': ['latency', 'jitter'],
  '5m': ['nat-timeout', 'idle-reset', 'latency'],
  1300: ['mtu-blackhole'],
  '64kbit/s': ['bandwidth'],
  '9600bit/s': ['bandwidth'],
  tx: ['one-way'],
  rx: ['one-way'],
};

describe('a plan', () => {
  it('is one fault a line', () => {
    expect(faults('cable-pull on dev-1 at 10s for 30s\nhang on dev-* at 1.5m')).toEqual([
      {
        kind: 'cable-pull',
        argument: undefined,
        target: 'dev-1',
        at: once(10_000),
        for: once(30_000),
        everyMs: undefined,
      },
      { kind: 'hang', argument: undefined, target: 'dev-*', at: once(90_000), for: undefined, everyMs: undefined },
    ]);
  });

  it('may have repeated faults, times from a range, and arguments', () => {
    expect(
      faults(
        'loss 2.50% on dev-3..9 from 10s..60s for 1s..5s every 10m\nnat-timeout on dev-1 at 5m every 1h\none-way tx on server at 1s',
      ),
    ).toEqual([
      {
        kind: 'loss',
        argument: '2.50%',
        target: 'dev-3..9',
        at: { fromMs: 10_000, toMs: 60_000 },
        for: { fromMs: 1000, toMs: 5000 },
        everyMs: 600_000,
      },
      {
        kind: 'nat-timeout',
        argument: undefined,
        target: 'dev-1',
        at: once(300_000),
        for: undefined,
        everyMs: 3_600_000,
      },
      { kind: 'one-way', argument: 'tx', target: 'server', at: once(1000), for: undefined, everyMs: undefined },
    ]);
  });

  it('has the lines of the design, word for word', () => {
    const lines = [
      'cable-pull on dev-1 at 10s for 30s',
      'power-loss on dev-* at 1m for 5s every 10m',
      'hang on dev-2 at 20s            (firmware stops, its TCP stack lives)',
    ];
    expect(faults(lines.slice(0, 2).join('\n')).map(formatFault)).toEqual(lines.slice(0, 2));
    expect(faults('loss 10% on dev-3 from 0s').map(formatFault)).toEqual(['loss 10% on dev-3 at 0s']);
  });

  it('may have blanks, empty lines and comments, and ends of lines as Windows has them', () => {
    const text =
      '\uFEFF# what happens\r\n\r\n  power-loss\ton  dev-1 at 0s   # at once\r\n\t\r\nreset on dev-2 at 1h\r\n';
    expect(faults(text).map(formatFault)).toEqual(['power-loss on dev-1 at 0s', 'reset on dev-2 at 1h']);
    expect(faults('')).toEqual([]);
    expect(faults('# nothing')).toEqual([]);
  });

  it('is read again as it was printed, with every kind of line', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = new Seeded(seed);
      const exact = (ms: number) => Math.round(ms * 1000) / 1000;
      const durationMs = (leastMs: number) =>
        exact(leastMs + random.below(random.pick([1000, 100_000, 100_000_000])) / random.pick([1, 10, 1000]));
      const range = (leastMs: number): Range => {
        const fromMs = durationMs(leastMs);
        return random.chance(2) ? once(fromMs) : { fromMs, toMs: exact(fromMs + durationMs(0)) };
      };
      const made = Array.from({ length: random.below(4) }, (): Fault => {
        const kind = random.pick(FAULT_KINDS);
        const letters = Array.from({ length: 1 + random.below(6) }, () =>
          random.pick([...'ab1-_.*+?^$|()[]{}\\/äΩ"\'']),
        );
        const known = Object.keys(ARGUMENTS).filter((argument) => ARGUMENTS[argument]?.includes(kind));
        const argument =
          known.length === 0 || (kind === 'nat-timeout' && random.chance(2)) ? undefined : random.pick(known);
        const lasts = FAULTS[kind].lasts(argument);
        const at = range(0);
        const length = lasts && random.chance(2) ? range(1) : undefined;
        const mayComeAgain = length !== undefined || !lasts;
        const everyMs =
          mayComeAgain && random.chance(2)
            ? exact(Math.max(at.toMs - at.fromMs, length?.toMs ?? 0) + durationMs(1))
            : undefined;
        return { kind, argument, target: letters.join(''), at, for: length, everyMs };
      });
      const text = made.map(formatFault).join(random.pick(['\n', '\r\n', '\n\n# and\n']));
      expect(faults(text), `seed ${seed}: ${text}`).toEqual(made);
    }
  });
});

describe('a text that is no plan', () => {
  const kinds = `a fault (${FAULT_KINDS.join(', ')})`;
  const times = '500ms, 30s, 1.5m, 2h or 1d';
  it.each([
    ['explode on dev-1 at 1s', 1, `expected ${kinds}, not 'explode'`],
    ['Hang on dev-1 at 1s', 1, `expected ${kinds}, not 'Hang'`],
    ['toString on dev-1 at 1s', 1, `expected ${kinds}, not 'toString'`],
    ['hang', 6, "expected 'on' and a device, but the line ends"],
    ['hang dev-1 at 1s', 6, "expected 'on' and a device, not 'dev-1'"],
    ['hang on', 9, "expected the name of a device, as in 'on dev-1', or 'on server', but the line ends"],
    ['hang on dev-1', 15, "expected 'at' and a time, but the line ends"],
    ['hang on dev-1 in 1s', 15, "expected 'at' and a time, not 'in'"],
    ['hang on dev-1 at', 18, `expected a time such as ${times}, but the line ends`],
    ['hang on dev-1 at   # soon', 18, `expected a time such as ${times}, but the line ends`],
    ['hang on dev-1 at 10', 18, `expected a time such as ${times}, not '10'`],
    ['hang on dev-1 at -1s', 18, `expected a time such as ${times}, not '-1s'`],
    [
      'hang on dev-1 at 1s until 2s',
      21,
      "expected 'for' and a duration, 'every' and a duration, or the end of the line, not 'until'",
    ],
    ['hang on dev-1 at 1s for', 25, `expected a duration such as ${times}, but the line ends`],
    ['hang on dev-1 at 1s for good', 25, `expected a duration such as ${times}, not 'good'`],
    ['hang on dev-1 at 1s for 0s', 25, "expected a duration above 0, not '0s'"],
    ['hang on dev-1 at 1000000d', 18, "expected a time of at most 13031d (35 years), not '1000000d'"],
    ['hang on dev-1 at 1s for 1000000d', 25, "expected a duration of at most 13031d (35 years), not '1000000d'"],
    ['  hang on dev-1 at 1s for 2s 3s', 30, "expected 'every' and a duration, or the end of the line, not '3s'"],
    ['reset on dev-1 at 1s for 2s', 22, "a reset is over at once: it has no 'for'"],
    ['reset on dev-1 at 1s every', 28, `expected a duration such as ${times}, but the line ends`],
    ['reset on dev-1 at 1s every 0s', 28, "expected a duration above 0, not '0s'"],
    ['reset on dev-1 at 1s every 2s 3s', 31, "expected the end of the line, not '3s'"],
    ['hang on dev-1 at 1s every 1m', 21, "a hang that comes again must end before: say 'for' how long"],
    [
      'hang on dev-1 at 1s for 1m every 1m',
      34,
      "a hang that comes again must end before: 'every' must be longer than 'for'",
    ],
    ['reset on dev-1 at 0s..2m every 1m', 32, "'every' must not be shorter than the range of 'at'"],
    ['hang on dev-1 at 3s.. for 2s', 18, "expected two times in a range, as in 10s..60s, not '3s..'"],
    ['hang on dev-1 at 10s..x', 23, `expected a time such as ${times}, not 'x'`],
    ['hang on dev-1 at ..10s', 18, "expected two times in a range, as in 10s..60s, not '..10s'"],
    ['hang on dev-1 at 10s..5s', 23, 'a range must begin with the lesser time'],
    ['hang on dev-1 at 1s for 0s..5s', 25, "expected a duration above 0, not '0s'"],
    ['loss on dev-1 at 1s', 6, "expected a share of packets such as 10%, above 0% and at most 100%, not 'on'"],
    ['loss', 6, 'expected a share of packets such as 10%, above 0% and at most 100%, but the line ends'],
    ...['0%', '101%', '10', '-1%', '1e1%', '10%%'].map(
      (share) =>
        [
          `corrupt ${share} on dev-1 at 1s`,
          9,
          `expected a share of packets such as 10%, above 0% and at most 100%, not '${share}'`,
        ] as const,
    ),
    [
      'duplicate half on dev-1 at 1s',
      11,
      "expected a share of packets such as 10%, above 0% and at most 100%, not 'half'",
    ],
    ['reorder 0% on dev-1 at 1s', 9, "expected a share of packets such as 10%, above 0% and at most 100%, not '0%'"],
    ['latency 10% on dev-1 at 1s', 9, "expected a time such as 300ms or 2s, above 0, not '10%'"],
    ['jitter 0s on dev-1 at 1s', 8, "expected a time such as 300ms or 2s, above 0, not '0s'"],
    [
      'bandwidth 10 on dev-1 at 1s',
      11,
      "expected a bandwidth such as 9600bit/s, 64kbit/s or 10Mbit/s, above 0, not '10'",
    ],
    [
      'bandwidth 0bit/s on dev-1 at 1s',
      11,
      "expected a bandwidth such as 9600bit/s, 64kbit/s or 10Mbit/s, above 0, not '0bit/s'",
    ],
    ['one-way on dev-1 at 1s', 9, "expected the way that is dead: tx (from the host) or rx (to it), not 'on'"],
    ['one-way both on dev-1 at 1s', 9, "expected the way that is dead: tx (from the host) or rx (to it), not 'both'"],
    ['nat-timeout soon on dev-1 at 1s', 13, "expected a time such as 5m, for which a connection is idle, not 'soon'"],
    ['nat-timeout on dev-1 at 1s for 1m', 28, "a nat-timeout is over at once: it has no 'for'"],
  ] as const)('%s', (text, column, message) => {
    expect(error(text)).toEqual({ line: 1, column, message });
    expect(error(`# first\r\nhang on dev-1 at 1s\r\n${text}\r\n`)).toEqual({ line: 3, column, message });
  });

  it('from another kind of file is shown as one screen line, around the wrong word', () => {
    const text = `hang on dev-1 at 1s ${'x'.repeat(1000)}\n${' '.repeat(500)}hang on dev-1 in 1s${' '.repeat(500)}.\n`;
    const [message = '', shown = ''] = describePlanError(text, error(text)).split('\n');
    expect(message).toMatch(/, not 'x{40}\.\.\.'$/);
    expect(shown).toBe(`  hang on dev-1 at 1s ${'x'.repeat(80)}`);
    const second = text.split('\n').slice(1).join('\n');
    const lines = describePlanError(second, error(second)).split('\n');
    expect(lines[1]?.indexOf(' in 1s')).toBe((lines[2]?.indexOf('^') ?? 0) - 1);
    expect(lines[1]?.length).toBeLessThanOrEqual(102);
  });

  it('is shown with a mark below the wrong word, also after a tab and at the end of the line', () => {
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
    ['dev-1..2', ['dev-1', 'dev-2']],
    ['dev-2..10', ['dev-2', 'dev-10']],
    ['dev-3..9', []],
    ['dev-2..1', []],
    ['1..2', []],
  ])('%s', (target, devices) => {
    expect(['dev-1', 'dev-2', 'dev-10', 'pump.a', 'a+b'].filter((device) => targets(target, device))).toEqual(devices);
  });

  it('made of asterisks alone takes no time', () => {
    expect(targets(`${'*a'.repeat(1000)}*b`, 'a'.repeat(2000))).toBe(false);
  });

  it('is a server only by its name, and a pattern means devices only', () => {
    const hosts = { network: 'simulated', devices: ['dev-1', 'dev-2'], servers: ['server'] } as const;
    const names = (target: string) =>
      faults(`hang on ${target} at 1s`)
        .flatMap((fault) => targetsOf(fault, hosts))
        .map(({ name, side }) => `${side} ${name}`);
    expect(names('server')).toEqual(['server server']);
    expect(names('*')).toEqual(['device dev-1', 'device dev-2']);
    expect(names('serv*')).toEqual([]);
  });

  it('that matches no host is refused, with the names of the hosts', () => {
    const problem = (line: string, devices: readonly string[], servers: readonly string[] = []) =>
      problemOf(faults(line), { network: 'simulated', devices, servers });
    expect(problem('hang on dev-* at 0s', ['dev-1', 'dev-2'])).toBeUndefined();
    expect(problem('hang on pump at 0s', ['dev-1', 'dev-2'])).toBe(
      "hang on pump at 0s: no device is called 'pump'; there are dev-1 to dev-2",
    );
    expect(problem('hang on pump at 0s', ['dev-1'])).toBe(
      "hang on pump at 0s: no device is called 'pump'; there is dev-1",
    );
    expect(problem('hang on pump at 0s', ['dev-1', 'dev-2'], ['server'])).toBe(
      "hang on pump at 0s: no device is called 'pump'; there are dev-1 to dev-2, and server",
    );
  });

  it('that the network cannot do is refused by name', () => {
    const problem = (line: string) => problemOf(faults(line), { network: 'real', devices: ['dev-1'], servers: [] });
    for (const kind of FAULT_KINDS) {
      const argument = Object.keys(ARGUMENTS).find((one) => ARGUMENTS[one]?.includes(kind));
      const line = `${kind}${argument === undefined ? '' : ` ${argument}`} on dev-1 at 1s`;
      const isRefused = !['cable-pull', 'power-loss', 'hang', 'crash', 'reset'].includes(kind);
      expect(problem(line)).toBe(
        isRefused
          ? `${line}: there is no ${kind} over real sockets, whose packets are out of reach; the simulated network has it`
          : undefined,
      );
    }
    expect(problem('hang on server at 1s')).toBe(
      'hang on server at 1s: the server is out of reach over real sockets; the simulated network has faults on servers',
    );
  });
});
