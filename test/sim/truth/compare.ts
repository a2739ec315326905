/**
 * Whether the simulation did as the kernel did: the same calls with the same results, the same segments, each in its
 * time.
 */

import type { Call } from './application.ts';
import type { Scenario } from './data.ts';
import { isAck, isArpDynamic, isSyn, relative, type Replayed, type Told } from './replay.ts';
import { seconds } from './world.ts';

/** The data is rounded to 0.1 ms, and the ways to and from a program take about as long. */
const RESOLUTION_S = 0.000_3;

const ANSWER_S = 0.001;
/** Time within which a program reacts to a packet. */
const WAKE_UP_S = 0.05;

/**
 * Returns how far before the earliest measured run the simulation may be, for a timer that is set `aheadS` ahead.
 * Timers of the simulation may be as early as possible, while the measured timers were late.
 */
export type Slack = (aheadS: number) => number;

export const EXACT: Slack = () => 0;

/**
 * Returns the greatest lateness of a Linux timer that is set `aheadS` ahead (`timer_lateness` in the data;
 * kernel/time/timer.c).
 */
export function latenessS(aheadS: number): number {
  if (aheadS < 0.256) return 0.004;
  if (aheadS < 2.05) return 0.032;
  if (aheadS < 16.4) return 0.256;
  return 2.05;
}

/** Returns the differences, one line each. An empty list means that the two are equal. */
export function compare(scenario: Scenario, replayed: Replayed, slack: Slack = latenessS): string[] {
  return [
    ...comparePackets(scenario, replayed, slack),
    ...compareCalls(scenario, replayed.calls),
    ...compareEnd(scenario, replayed.calls, slack),
  ];
}

function comparePackets(
  { packets: truth, surviving_side: survivor }: Scenario,
  replayed: Replayed,
  slack: Slack,
): string[] {
  const all = relative(replayed, survivor);
  // ARP requests continue after the end of a connection, which is the end of a measurement.
  const lastIndex = all.findLastIndex(({ flags }, i) => i < truth.length || !flags.startsWith('ARP'));
  const ours = all.slice(0, lastIndex + 1);
  const expected = texts(truth.map((packet) => packet));
  const got = texts(ours, truth);
  const first = expected.findIndex((text, i) => text !== got[i]);
  if (first >= 0 || got.length > expected.length) {
    const at = first >= 0 ? first : expected.length;
    return [
      `packet ${at + 1} of ${expected.length}: ${got[at] ?? 'none'} at ${ours[at]?.t ?? '-'}, not ${expected[at] ?? 'none'} at ${truth[at]?.t ?? '-'}`,
    ];
  }
  let late = 0;
  return truth.flatMap(({ t, t_min: min, t_max: max, flags }, i) => {
    const aheadS = t - (truth[i - 1]?.t ?? 0);
    // A packet that follows at once is an answer. It is as late as the packet before it. A repeated ARP request is as
    // early as the first one.
    const isRepeated = flags.startsWith('ARP') && truth[i - 1]?.flags === flags;
    if (aheadS > ANSWER_S || i === 0) late = Math.max(slack(aheadS), isRepeated ? late : 0);
    return outside(`packet ${i + 1}, ${expected[i] ?? ''},`, ours[i]?.t ?? NaN, min - late, max);
  });
}

/**
 * Numbers that belong to another connection than they are relative to are told relative to that one's SYN. What the
 * data leaves open is open.
 */
function texts(packets: readonly Told[], pattern: readonly Told[] = packets): string[] {
  const bases: { tx: number | undefined; rx: number | undefined } = { tx: undefined, rx: undefined };
  const told = (number: number | null, of: 'tx' | 'rx', isSyn: boolean): string => {
    if (number === null) return '?';
    if (number < 1e6) return String(number);
    if (isSyn) bases[of] ??= number;
    return `new ${number - (bases[of] ?? 0)}`;
  };
  return packets.map(({ dir, flags, seq, ack, len, dst }, i) => {
    if (flags.startsWith('ARP')) return `${dir} ${flags} ${dst ?? ''}`;
    const open = pattern[i];
    const seqText = told(open?.seq === null ? null : seq, dir, isSyn(flags));
    const ackText = told(open?.ack === null && !isAck(flags) ? null : ack, dir === 'tx' ? 'rx' : 'tx', false);
    return `${dir} ${flags} seq ${seqText} ack ${ackText} len ${len}`;
  });
}

function compareCalls(scenario: Scenario, ours: readonly Call[]): string[] {
  const notes = scenario.app_calls.flatMap(({ who, what, n, err, port, v }) => {
    // The address is known; what is asked is the state, and that with ARP alone. Counters are not kept here.
    if (what === 'neigh') return isArpDynamic(scenario) ? [{ who, text: `neigh ${neighbourState(v)}` }] : [];
    if (what === 'ss') return [{ who, text: `ss ${String(v)}` }];
    if (!['send', 'recv', 'connect', 'accept', 'filled'].includes(what)) return [];
    return [{ who, text: `${what} ${err ?? n ?? port ?? 'ok'}` }];
  });
  const whos = [...new Set(notes.map(({ who }) => who))];
  return whos.flatMap((who) => {
    const expected = notes.filter((note) => note.who === who).map(({ text }) => text);
    const isConnectNoted = expected.some((text) => text.startsWith('connect'));
    const got = ours
      .filter((call) => call.who === who && (isConnectNoted || call.what !== 'connect'))
      .filter((call) => call.what !== 'neigh' || isArpDynamic(scenario))
      .map(({ what, result }) => `${what} ${result}`);
    const isSame = expected.length === got.length && expected.every((text, i) => text === got[i]);
    return isSame ? [] : [`calls of the ${who}: ${got.join(', ')}, not ${expected.join(', ')}`];
  });
}

/** `10.0.0.2 dev eth0 lladdr 02:00:00:00:00:0d REACHABLE / 10.0.0.0/24 dev eth0 ...` */
function neighbourState(line: unknown): string {
  return /\b(INCOMPLETE|REACHABLE|STALE|DELAY|PROBE|FAILED|PERMANENT)\b/.exec(String(line))?.[1] ?? 'none';
}

/** The end that the data gives for all runs, and what was delivered late. */
function compareEnd(scenario: Scenario, calls: readonly Call[], slack: Slack): string[] {
  const { expected, packets, surviving_side: survivor, fault_times_measured: faults } = scenario;
  const { call, errno, t_s: t, t_min: min, t_max: max, delivered } = expected;
  const found: string[] = [];
  if (call !== null && min !== undefined && max !== undefined) {
    const end = calls.find(({ who, what, result }) => who === survivor && what === call && result === (errno ?? 0));
    // ARP is no part of what the connection waits for.
    const before = packets.findLast((other) => other.t < (t ?? 0) - WAKE_UP_S && !other.flags.startsWith('ARP'));
    const late = slack((t ?? 0) - (before?.t ?? 0));
    found.push(...outside(`${call} gives ${errno ?? 0}`, end === undefined ? NaN : seconds(end.atUs), min - late, max));
  } else {
    const bad = calls.find(({ who, what, result }) =>
      who === survivor && what !== 'neigh' && what !== 'ss' && typeof result === 'string' && result !== 'ok');
    if (bad !== undefined) found.push(`${bad.what} gives ${bad.result} at ${seconds(bad.atUs)}, not nothing`);
  }
  const replugT = faults['replug']?.[0];
  if (delivered !== undefined && replugT !== undefined) {
    const read = calls.find(({ what, atUs }) => what === 'recv' && seconds(atUs) > replugT);
    const after = read === undefined ? NaN : seconds(read.atUs) - replugT;
    found.push(
      ...outside(
        'delivered after the replug',
        after,
        delivered.after_replug_min - slack(4),
        delivered.after_replug_max + latenessS(4),
      ),
    );
  }
  return found;
}

function outside(what: string, t: number, min: number, max: number): string[] {
  if (t >= min - RESOLUTION_S && t <= max + RESOLUTION_S) return [];
  return [`${what} at ${t.toFixed(4)}, not from ${min.toFixed(4)} to ${max.toFixed(4)}`];
}

/**
 * Compares what follows the closing of a window that stays closed, if only the way to it differs. Numbers count from
 * the ACK that closed it. Times are in units of the first wait, the RTO, which depends on the round trips before.
 */
export function compareProbes(scenario: Scenario, replayed: Replayed): string[] {
  const truth = sinceClosed(scenario.packets);
  const ours = sinceClosed(relative(replayed, scenario.surviving_side));
  const got = texts(ours);
  const found = texts(truth).flatMap((text, i) =>
    text === got[i] ? [] : [`after the window is closed, packet ${i + 1}: ${got[i] ?? 'none'}, not ${text}`],
  );
  if (got.length !== truth.length) found.push(`${got.length} packets after the window is closed, not ${truth.length}`);
  const { call, errno, t_s: endT } = scenario.expected;
  const end = replayed.calls.find(
    ({ who, what, result }) => who === scenario.surviving_side && what === call && result === errno,
  );
  if (call !== null && end === undefined) found.push(`${call} does not give ${errno ?? 0}`);
  const closedT = (told: readonly Told[], all: readonly { readonly t: number }[]): number =>
    (all.at(-1)?.t ?? NaN) - (told.at(-1)?.t ?? NaN);
  const times = (told: readonly Told[], last: number | null): number[] => [
    ...told.filter(({ dir }) => dir === 'tx').map(({ t }) => t),
    ...(last === null ? [] : [last]),
  ];
  const trueTimes = times(truth, endT === null ? null : endT - closedT(truth, scenario.packets));
  const ourTimes = times(
    ours,
    end === undefined ? null : seconds(end.atUs) - closedT(ours, relative(replayed, scenario.surviving_side)),
  );
  const unit = (ourTimes[0] ?? NaN) / (trueTimes[0] ?? NaN);
  return [...found, ...trueTimes.flatMap((t, i) => {
    const slack = latenessS(t - (trueTimes[i - 1] ?? 0)) + UNIT_ERROR * t;
    return outside(`probe ${i + 1} after the window is closed`, (ourTimes[i] ?? NaN) / unit, t - slack, t + slack);
  })];
}

/** The unit is of 50 ticks, of which one is lateness. */
const UNIT_ERROR = 0.02;

function sinceClosed(packets: readonly Told[]): Told[] {
  const lastData = packets.findLastIndex(({ len }) => len > 0);
  const at = packets.findIndex(({ dir }, i) => i > lastData && dir === 'tx') - 1;
  const closing = packets[at];
  if (closing === undefined) return [];
  return packets.slice(at + 1).map((packet) => {
    const since = (number: number | null, isOurs: boolean): number | null =>
      number === null || !isOurs ? number : number - (closing.ack ?? 0);
    return {
      ...packet,
      t: packet.t - closing.t,
      seq: since(packet.seq, packet.dir === 'tx'),
      ack: since(packet.ack, packet.dir === 'rx'),
    };
  });
}
