/** The user's own programs that have ended by themselves in a run, as the trace tells. */

import { counted } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import type { TraceEvent } from '../trace/trace.ts';

/** Largest number of hosts that have a line of their own. */
const HOSTS_SHOWN = 5;

export class ProgramEnds {
  /** `why` is the stack of the error, or a sentence. */
  readonly all: { readonly host: string; readonly atMs: number; readonly why: string }[] = [];

  add(event: TraceEvent): void {
    if (event.kind === 'fault' && event.why !== undefined) {
      this.all.push({ host: event.host, atMs: event.atMs, why: event.why });
    }
  }

  /** Returns a sentence for each host: its first end, and the number of others. */
  lines(): string[] {
    const hosts = [...new Set(this.all.map(({ host }) => host))];
    const lines = hosts.slice(0, HOSTS_SHOWN).map((host) => {
      const [first, ...more] = this.all.filter((end) => end.host === host);
      const [why = ''] = first?.why.split('\n', 1) ?? [];
      const often = more.length === 0 ? '' : `, and ${counted(more.length, 'time')} more`;
      return `the program of ${host} ended at ${formatSeconds(first?.atMs ?? 0)}: ${why}${often}`;
    });
    const rest = hosts.length - lines.length;
    return rest > 0 ? [...lines, `and the programs of ${counted(rest, 'more host')}`] : lines;
  }
}
