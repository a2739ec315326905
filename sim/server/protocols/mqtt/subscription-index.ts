/**
 * Index that finds the sessions subscribed to a topic. Filters without wildcards, which most are, cost one look-up in
 * all.
 */

import { topicMatches } from '../../../../firmware/protocols/mqtt/topic.ts';
import type { KeptSubscription, MqttSession } from './session.ts';

export class SubscriptionIndex {
  /** Sessions by filter: those without a wildcard, and the others. */
  readonly #plain = new Map<string, Set<MqttSession>>();
  readonly #wild = new Map<string, Set<MqttSession>>();

  add(session: MqttSession, filter: string): void {
    const filters = isWild(filter) ? this.#wild : this.#plain;
    const sessions = filters.get(filter);
    if (sessions === undefined) filters.set(filter, new Set([session]));
    else sessions.add(session);
  }

  remove(session: MqttSession, filter: string): void {
    const filters = isWild(filter) ? this.#wild : this.#plain;
    const sessions = filters.get(filter);
    sessions?.delete(session);
    if (sessions?.size === 0) filters.delete(filter);
  }

  /** The sessions, each with those of its subscriptions that match. */
  match(topic: string): Map<MqttSession, KeptSubscription[]> {
    const found = new Map<MqttSession, KeptSubscription[]>();
    const collect = (sessions: Iterable<MqttSession>, filter: string): void => {
      for (const session of sessions) {
        const subscription = session.subscriptions.get(filter);
        if (subscription === undefined) continue;
        const before = found.get(session);
        if (before === undefined) found.set(session, [subscription]);
        else before.push(subscription);
      }
    };
    collect(this.#plain.get(topic) ?? [], topic);
    for (const [filter, sessions] of this.#wild) if (topicMatches(filter, topic)) collect(sessions, filter);
    return found;
  }
}

function isWild(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}
