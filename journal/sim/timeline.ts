interface Event {
  readonly atUs: number;
  /** Of two events at the same moment the one planned first comes first. */
  readonly order: number;
  readonly fire: () => void;
}

/** Virtual time: what is planned happens in order, at once, and takes no time of its own. */
export class Timeline {
  readonly #heap: Event[] = [];
  #nowUs = 0;
  #planned = 0;

  /** Microseconds since the simulation began. */
  get nowUs(): number {
    return this.#nowUs;
  }

  after(delayUs: number, fire: () => void): void {
    const atUs = this.#nowUs + Math.max(0, Math.round(delayUs));
    this.#push({ atUs, order: this.#planned++, fire });
  }

  /** Lets everything happen that is planned up to `untilUs`, or up to when `isOver` says so. */
  run(untilUs: number, isOver: () => boolean = () => false): void {
    while (!isOver()) {
      const [next] = this.#heap;
      if (next === undefined || next.atUs > untilUs) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        return;
      }
      this.#pop();
      this.#nowUs = next.atUs;
      next.fire();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    while (at < heap.length) {
      const childAt = earlierChild(heap, at);
      const child = heap[childAt];
      if (child === undefined || isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.order < right.order);
}

function earlierChild(heap: readonly Event[], at: number): number {
  const left = heap[2 * at + 1];
  const right = heap[2 * at + 2];
  const isRight = left !== undefined && right !== undefined && isBefore(right, left);
  return isRight ? 2 * at + 2 : 2 * at + 1;
}
