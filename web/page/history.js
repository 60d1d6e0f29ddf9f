/** The last minutes of each transport: what the plots draw. */

const kPoints = 120;
const kLeastMs = 150; // the list also comes at each change: two samples at once would make a rate of nothing

function keep(list, point) {
  list.push(point);
  if (list.length > kPoints) list.shift();
}

/** One line of a plot: points {t, v}, t in ms on performance.now(). */
class Track {
  latency = []; sent = []; received = [];
  #last = null;

  add(t, { latency_ms: latency, sent_bytes: sent, received_bytes: received }) {
    const last = this.#last;
    if (last && t - last.t < kLeastMs) return;
    const perSecond = (now, before) => (1000 * Math.max(0, now - before)) / (t - last.t);
    if (last) {
      keep(this.sent, { t, v: perSecond(sent, last.sent) });
      keep(this.received, { t, v: perSecond(received, last.received) });
    }
    if (latency > 0) keep(this.latency, { t, v: latency });
    this.#last = { t, sent, received };
  }
}

export class History {
  #tracks = new Map();
  /** Bytes a second of all transports together. */
  total = new Track();
  #gone = { sent: 0, received: 0 }; // counted by transports that are no more: the sums must not fall

  /** @param {{id: string, latency_ms: number, sent_bytes: number, received_bytes: number}[]} transports all there are */
  add(transports, t = performance.now()) {
    const here = new Set(transports.map(({ id }) => id));
    for (const [id, { last }] of this.#tracks) {
      if (here.has(id)) continue;
      this.#retire(last);
      this.#tracks.delete(id);
    }
    const sum = { latency_ms: 0, sent_bytes: 0, received_bytes: 0 };
    for (const transport of transports) {
      const known = this.#tracks.get(transport.id);
      if (known && known.last.epoch !== transport.epoch) this.#retire(known.last);
      const entry = known ?? { track: new Track() };
      entry.track.add(t, transport);
      entry.last = transport;
      this.#tracks.set(transport.id, entry);
      sum.sent_bytes += transport.sent_bytes;
      sum.received_bytes += transport.received_bytes;
    }
    sum.sent_bytes += this.#gone.sent;
    sum.received_bytes += this.#gone.received;
    this.sum = sum;
    this.total.add(t, sum);
  }

  /** Payload bytes since this tab looks on. */
  sum = { sent_bytes: 0, received_bytes: 0 };

  /** @returns {Track} of one transport */
  of(id) {
    return this.#tracks.get(id)?.track ?? new Track();
  }

  #retire({ sent_bytes: sent, received_bytes: received }) {
    this.#gone.sent += sent;
    this.#gone.received += received;
  }
}

/** @returns {number} the value of the last point, or 0 */
export function latest(points) {
  return points.at(-1)?.v ?? 0;
}
