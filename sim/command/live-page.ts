/** `run --live`: the page of a run with a button for each fault, from the start of the run to its end. */

import type { Clock } from '../../hal/clock.ts';
import { nodeClock } from '../../hal/node/index.ts';
import type { Fault } from '../faults/fault.ts';
import { Hands } from '../live-page/hands.ts';
import { LiveAccount, LiveReader } from '../live-page/live-account.ts';
import { livePage } from '../live-page/page.ts';
import type { LiveRequest, PaceState } from '../live-page/wire.ts';
import type { Testbed } from '../testbed.ts';
import { counted } from '../text.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { LivePageServer, type LiveRun, type LiveRunReader } from './live-page-server.ts';
import { livePageScript } from './page-script.ts';
import type { Pace } from './pace.ts';
import { Problem } from './problem.ts';
import type { Venue } from './venue.ts';

export class LivePage {
  readonly #account = new LiveAccount();
  readonly #clock: Clock = nodeClock();
  #server: LivePageServer | undefined = undefined;
  /** Lines of the run's plan that are not faults. A plan that repeats the run needs them, too. */
  readonly #otherLines: readonly string[];

  constructor(otherLines: readonly string[]) {
    this.#otherLines = otherLines;
  }

  add(event: TraceEvent): void {
    this.#account.add(event);
  }

  /** Serves the page, and resolves to its address. `check` throws a Problem for faults that this run cannot have. */
  async open(
    venue: Venue,
    about: string,
    deviceCount: number,
    check: (plan: readonly Fault[]) => void,
  ): Promise<string> {
    const title = 'Cablepull';
    const { testbed, pace } = venue;
    const account = this.#account;
    const otherLines = this.#otherLines;
    const clock = this.#clock;
    const hands = new Hands(testbed, account.sessions, check);
    const run: LiveRun = {
      page: livePage(title, about, deviceCount, livePageScript()),
      reader(): LiveRunReader {
        const reader = new LiveReader(account, testbed);
        return {
          hello: () => reader.hello(title, stateOf(pace), clock.now()),
          update: () => reader.update(stateOf(pace), clock.now()),
        };
      },
      timeLines: () => account.timeLines(testbed.agenda.now()),
      plan: () => planText(account, otherLines, testbed),
      act(request) {
        act(request, hands, venue);
        pace?.wake();
      },
    };
    this.#server = new LivePageServer(run);
    return this.#server.open();
  }

  /** Ends the page at the end of the run. */
  async close(testbed: Testbed, endMs: number): Promise<void> {
    const plan = planText(this.#account, this.#otherLines, testbed);
    await this.#server?.close({ lines: this.#account.timeLines(endMs), plan });
  }
}

function act(request: LiveRequest, hands: Hands, venue: Venue): void {
  switch (request.act) {
    case 'begin':
      try {
        return hands.begin(request.kind, request.argument, request.hosts);
      } catch (error) {
        if (error instanceof Problem) throw new RangeError(error.message);
        throw error;
      }
    case 'heal':
      return hands.heal(request.kind, request.hosts);
    case 'pace':
      if (venue.pace === undefined) {
        throw new RangeError('this run is in real time: its speed cannot be changed, and it cannot be paused');
      }
      return venue.pace.set(request.speed, request.isPaused);
    case 'end':
      return venue.stop();
  }
}

function stateOf(pace: Pace | undefined): PaceState | undefined {
  return pace && { speed: pace.speed, isPaused: pace.isPaused };
}

/** Returns the plan of the run, with a comment on how to repeat the run. */
function planText(
  { plan }: LiveAccount, otherLines: readonly string[], { agenda, repeat, network }: Testbed,
): string {
  const length = `${Math.ceil(agenda.now() / 1000)}s`;
  const how = network === 'simulated' ? [`# ${repeat ?? 'cablepull run'} --plan THIS-FILE --for ${length}`] : [];
  return [`# ${counted(plan.size, 'fault')} of a run with --live`, ...how, ...otherLines, ...plan.lines(), ''].join('\n');
}
