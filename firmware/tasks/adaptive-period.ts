/**
 * A client that finds the longest safe beat period behind a NAT box by itself, by the rules of WeChat's Mars
 * (Tencent/mars, mars/stn/src/smart_heartbeat.cc, numbers of mars/stn/config.h): the period goes up by a step after so
 * many answered beats, and a period at which so many beats in a row cost the connection is too long.
 *
 * Mars then takes one step and a margin off, which leaves it up to a step and a margin below the box's timeout. Here
 * the search goes on between the last period that held and the first that did not, until they are a margin apart. So it
 * ends at most two margins below.
 */

import { duration, isRecord, checkSettings, refuse, type SettingRule } from '../settings.ts';

export interface AdaptivePeriod {
  /** The period to begin with, and to fall back to. */
  readonly minMs: number;
  /** The longest period to try. */
  readonly maxMs: number;
  readonly stepMs: number;
  /** Difference between the longest period that held and the period in use. */
  readonly marginMs: number;
  /** Longest wait for an answer before the connection is given up. */
  readonly answerTimeoutMs: number;
}

/** Mars's step and margin. Its bounds are 210 s and 600 s: these are wider, as boxes of 1 min and of 30 min exist. */
export const ADAPTIVE_PERIOD_DEFAULTS: AdaptivePeriod = {
  minMs: 30_000,
  maxMs: 1_800_000,
  stepMs: 60_000,
  marginMs: 20_000,
  answerTimeoutMs: 20_000,
};

/** The rule for a setting of this type. */
export function adaptivePeriodRule(tickRateHz: number): SettingRule {
  const ms = duration(tickRateHz);
  return (value, field) => {
    if (value === 'off') return;
    if (!isRecord(value)) {
      return refuse(field, "'off' or { minMs, maxMs, stepMs, marginMs, answerTimeoutMs }", value);
    }
    checkSettings(value, { minMs: ms, maxMs: ms, stepMs: ms, marginMs: ms, answerTimeoutMs: ms }, `${field}.`);
    const { minMs, maxMs } = value;
    if (Number(maxMs) < Number(minMs)) {
      refuse(`${field}.maxMs`, `at least ${field}.minMs, which is ${String(minMs)}`, maxMs);
    }
  };
}

/** Beats at `minMs` on each new connection before a longer period is tried: NetStableTestCount. */
const CALM_BEATS = 3;
/** Answered beats after which a period has held: BaseSuccCount. */
const HELD_BEATS = 5;
/** Lost beats in a row after which a period is too long: MaxHeartFailCount. */
const LOST_BEATS = 2;
/** Mars looks for a longer period once a week. */
const SEARCH_AGAIN_MS = 7 * 86_400_000;
/** Networks that are remembered: MAX_INI_SECTIONS. */
const NETWORKS_MAX = 20;

/** Knowledge about one network. */
interface Search {
  periodMs: number;
  /** The longest period that held; the shortest that did not. */
  heldMs: number;
  tooLongMs: number;
  answered: number;
  lost: number;
  /** Time at which the search ended; undefined while it goes on. */
  settledAtMs: number | undefined;
}

/**
 * The period of one client. A beat proves something only when nothing else went over the connection for a whole period
 * before it: other traffic keeps the box's memory awake as well.
 */
export class PeriodSearch {
  readonly #settings: AdaptivePeriod;
  readonly #onChange: (periodMs: number, settled: boolean) => void;
  /** Searches by the name of their network; the network in use is last. */
  readonly #networks = new Map<string, Search>();
  #network: string | undefined = undefined;
  #search: Search;
  #calmBeats = 0;
  /** Nothing but beats since the last answer. */
  #isIdle = false;
  /** A beat is without answer that proves something. */
  #isProving = false;

  /** `onChange` is told of each period that comes to be tried or kept. */
  constructor(settings: AdaptivePeriod, onChange: (periodMs: number, settled: boolean) => void) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.#search = this.#newSearch();
  }

  get answerTimeoutMs(): number {
    return this.#settings.answerTimeoutMs;
  }

  /** Time from the last answer to the next beat. */
  get periodMs(): number {
    return this.#calmBeats < CALM_BEATS ? this.#settings.minMs : this.#search.periodMs;
  }

  /**
   * A new connection stands, over the network of this name. A beat that the old one left without an answer is lost, but
   * for one that was sent over another network.
   */
  connected(network: string, nowMs: number): void {
    if (network === this.#network) {
      if (this.#isProving) this.#lost(nowMs);
    } else {
      this.#changeTo(network, nowMs);
    }
    this.#calmBeats = 0;
    this.#isIdle = false;
    this.#isProving = false;
  }

  /** A beat was sent. */
  sent(): void {
    this.#isProving = this.#isIdle;
  }

  /** Something else was sent, or came. */
  traffic(): void {
    this.#isIdle = false;
  }

  /** The beat was answered. */
  answered(nowMs: number): void {
    if (this.#isProving) this.#proven(nowMs);
    this.#isProving = false;
    this.#isIdle = true;
  }

  #proven(nowMs: number): void {
    if (this.#calmBeats < CALM_BEATS) {
      this.#calmBeats++;
      return;
    }
    const search = this.#search;
    search.lost = 0;
    if (search.settledAtMs !== undefined) {
      if (nowMs - search.settledAtMs < SEARCH_AGAIN_MS) return;
      search.tooLongMs = this.#beyondMs;
      search.heldMs = search.periodMs;
    } else {
      search.answered++;
      if (search.answered < HELD_BEATS) return;
      search.heldMs = search.periodMs;
    }
    this.#tryNext(nowMs);
  }

  #lost(nowMs: number): void {
    const search = this.#search;
    // The shortest period is not too long: it is the network that is bad.
    if (this.periodMs === this.#settings.minMs) return;
    search.answered = 0;
    search.lost++;
    if (search.lost < LOST_BEATS) return;
    if (search.settledAtMs === undefined) search.tooLongMs = search.periodMs;
    else Object.assign(search, this.#newSearch());
    this.#tryNext(nowMs);
  }

  /** The next period between the two bounds; where they are a margin apart, the search is over. */
  #tryNext(nowMs: number): void {
    const { minMs, stepMs, marginMs } = this.#settings;
    const search = this.#search;
    const nextMs = Math.min(search.heldMs + stepMs, search.tooLongMs - marginMs);
    const isOver = nextMs <= search.heldMs;
    search.periodMs = isOver ? Math.max(search.heldMs - marginMs, minMs) : nextMs;
    search.settledAtMs = isOver ? nowMs : undefined;
    search.answered = 0;
    search.lost = 0;
    this.#onChange(search.periodMs, isOver);
  }

  #changeTo(network: string, nowMs: number): void {
    const known = this.#networks.get(network);
    this.#network = network;
    this.#search = known ?? this.#newSearch();
    this.#networks.delete(network);
    this.#networks.set(network, this.#search);
    for (const oldest of this.#networks.keys()) {
      if (this.#networks.size <= NETWORKS_MAX) break;
      this.#networks.delete(oldest);
    }
    if (known === undefined) this.#tryNext(nowMs);
    else this.#onChange(known.periodMs, known.settledAtMs !== undefined);
  }

  /** Upper end of the search, one step beyond `maxMs`, so that `maxMs` itself is tried. */
  get #beyondMs(): number {
    return this.#settings.maxMs + this.#settings.marginMs;
  }

  #newSearch(): Search {
    const { minMs } = this.#settings;
    return {
      periodMs: minMs, heldMs: minMs, tooLongMs: this.#beyondMs, answered: 0, lost: 0, settledAtMs: undefined,
    };
  }
}
