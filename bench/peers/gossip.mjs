// gossip.mjs NODES: nodes of libp2p with gossipsub in this process, each connected with each over TCP on loopback
// (Noise and yamux), as the visors of bench/chat.cpp are.  Says "ready" or why not; then each line on stdin is answered:
// "times N": of N messages that follow each other, microseconds until each has come to all; "burst N": deliveries a second.
import { createInterface } from 'node:readline';

const nodes = Number(process.argv[2]);
const kTopic = 'bench';
const text = Buffer.alloc(100, 'x');

// Node 18 and 20 have it not, and libp2p's parts want it.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => { Object.assign(parts, { resolve, reject }); });
  return parts;
};

async function network() {
  const [{ createLibp2p }, { tcp }, { noise }, { yamux }, { identify }, { gossipsub }] = await Promise.all(
    ['libp2p', '@libp2p/tcp', '@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux', '@libp2p/identify', '@chainsafe/libp2p-gossipsub'].map((name) => import(name)));
  const all = await Promise.all(Array.from({ length: nodes }, () => createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], connectionEncryption: [noise()], streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: nodes }, // all come from one host at once
    connectionMonitor: { enabled: false }, // while the others are measured, nobody here has the processor to answer
    services: { identify: identify(), pubsub: gossipsub({ floodPublish: true, allowPublishToZeroTopicPeers: false }) },
  })));
  for (const node of all) node.services.pubsub.subscribe(kTopic);
  for (const [i, node] of all.entries()) {
    for (const other of all.slice(i + 1)) await node.dial(other.getMultiaddrs());
  }
  const ready = () => all.every((node) => node.services.pubsub.getSubscribers(kTopic).length === nodes - 1);
  while (!ready()) await new Promise((resolve) => { setTimeout(resolve, 20); });
  return all;
}

let all;
try {
  all = await network();
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exit(0);
}

let heard = 0, wanted = 0, done = () => {};
for (const node of all.slice(1)) {
  node.services.pubsub.addEventListener('message', () => { if (++heard === wanted) done(); });
}
/** Resolves when so many more have come in. */
function deliveries(count) {
  wanted = heard + count;
  return new Promise((resolve) => { done = resolve; });
}
const micros = () => Number(process.hrtime.bigint()) / 1e3;
const publish = () => all[0].services.pubsub.publish(kTopic, text);

async function times(count) {
  const out = [];
  for (let i = 0; i < count; ++i) {
    const began = micros();
    const come = deliveries(nodes - 1);
    await publish();
    await come;
    out.push((micros() - began).toFixed(1));
  }
  return out.join(' ');
}
async function burst(count) {
  const began = micros();
  const come = deliveries(count * (nodes - 1));
  for (let i = 0; i < count; ++i) await publish();
  await come;
  return String(count * (nodes - 1) * 1e6 / (micros() - began));
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(' ');
  console.log(await { times, burst }[what](Number(count)));
}
process.exit(0);
