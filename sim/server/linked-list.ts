/**
 * A doubly linked list in the order of time, made of its members: who has waited longest is first. When all wait for
 * equally long, the first is also the next whose time is up, so that nobody needs a timer of its own.
 */

/** Base of a list's members: `class Turn extends ListNode<Turn>`. */
export class ListNode<Member extends ListNode<Member>> {
  /** Time at which it got its present place. */
  sinceMs = 0;
  /** @internal */
  previous: Member | undefined;
  /** @internal */
  next: Member | undefined;
  /** The list that it is in. */
  list: LinkedList<Member> | undefined;
}

export class LinkedList<Member extends ListNode<Member>> {
  #first: Member | undefined;
  #last: Member | undefined;

  /** The member that has waited longest. */
  get first(): Member | undefined {
    return this.#first;
  }

  /** The members, in the order of the list. */
  all(): Member[] {
    const all: Member[] = [];
    for (let member = this.#first; member !== undefined; member = member.next) all.push(member);
    return all;
  }

  /** Puts `member` last, out of its former list. `nowMs` MUST NOT go back. */
  append(member: Member, nowMs: number): void {
    member.sinceMs = nowMs;
    if (this.#last === member) return;
    member.list?.remove(member);
    member.list = this;
    member.previous = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
  }

  /** Takes `member` out; does nothing when it is not in this list. */
  remove(member: Member): void {
    if (member.list !== this) return;
    if (member.previous === undefined) this.#first = member.next;
    else member.previous.next = member.next;
    if (member.next === undefined) this.#last = member.previous;
    else member.next.previous = member.previous;
    member.list = undefined;
    member.previous = undefined;
    member.next = undefined;
  }
}
