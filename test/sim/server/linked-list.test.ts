/** A list does what a sorted array would, for any insertions and removals. */

import { expect, it } from 'vitest';
import { LinkedList, ListNode } from '../../../sim/server/linked-list.ts';
import { Loopback } from '../../support/loopback.ts';

class Member extends ListNode<Member> {}

it('keeps the order of time over two lists and ten thousand random moves', () => {
  const { random } = new Loopback().host('10.0.0.1').hal;
  const lists = [
    { list: new LinkedList<Member>(), model: [] as Member[] },
    { list: new LinkedList<Member>(), model: [] as Member[] },
  ];
  const members = Array.from({ length: 8 }, () => new Member());
  for (let nowMs = 1; nowMs <= 10_000; nowMs++) {
    const member = members[random.uint32() % members.length];
    const target = lists[random.uint32() % 2];
    if (member === undefined || target === undefined) throw new Error('there are eight members and two lists');
    if (random.uint32() % 3 === 0) {
      target.list.remove(member);
      target.model = target.model.filter((other) => other !== member);
    } else {
      target.list.append(member, nowMs);
      expect(member.sinceMs).toBe(nowMs);
      for (const each of lists) each.model = each.model.filter((other) => other !== member);
      target.model.push(member);
    }
    for (const { list, model } of lists) {
      const found: Member[] = [];
      for (let next = list.first; next !== undefined; next = next.next) found.push(next);
      if (found.length !== model.length || found.some((each, i) => each !== model[i])) {
        expect.fail(`the order differs after move ${nowMs}`);
      }
    }
  }
});
