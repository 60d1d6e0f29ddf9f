// A screenshot in fewer bytes: browsers write PNG quickly, not tightly.
import { deflateSync, inflateSync } from 'node:zlib';

const kHeader = 8;

function* chunksOf(png) {
  for (let at = kHeader; at < png.length;) {
    const size = png.readUInt32BE(at);
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + size) };
    at += 12 + size;
  }
}

/** Node before 22 has none. */
function crc32(data) {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  data.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

function predict(left, up, corner) { // Paeth
  const p = left + up - corner;
  const a = Math.abs(p - left), b = Math.abs(p - up), c = Math.abs(p - corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The bytes of pixels, without the filters of the rows. */
function pixelsOf(raw, width, height, bytes) {
  const row = width * bytes;
  const out = Buffer.alloc(row * height);
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; ++x) {
      const at = y * row + x;
      const left = x < bytes ? 0 : out[at - bytes], up = y ? out[at - row] : 0, corner = y && x >= bytes ? out[at - row - bytes] : 0;
      out[at] = raw[y * (row + 1) + 1 + x] + [0, left, up, (left + up) >> 1, predict(left, up, corner)][filter];
    }
  }
  return out;
}

/** One of 64 steps: nobody sees it, and shadows and gradients become runs. */
const step = (value) => (value & 0xfc) | (value >> 6);

/** @param {Buffer} png 8 bits a channel, not interlaced @returns {Buffer} the same picture to the eye */
export function squeeze(png) {
  const chunks = [...chunksOf(png)];
  const header = Buffer.from(chunks[0].data);
  const [width, height, type] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9]];
  const bytes = { 2: 3, 6: 4 }[type];
  if (header[8] !== 8 || !bytes || header[12]) return png;
  const pixels = pixelsOf(inflateSync(Buffer.concat(chunks.filter((one) => one.type === 'IDAT').map((one) => one.data))), width, height, bytes);
  const plain = Buffer.alloc((width * 3 + 1) * height); // opaque, and rows as they are: flat colours repeat
  for (let i = 0, at = 0; i < width * height; ++i) {
    if (i % width === 0) at += 1;
    for (let c = 0; c < 3; ++c) plain[at++] = step(pixels[i * bytes + c]);
  }
  header[9] = 2;
  const out = Buffer.concat([png.subarray(0, kHeader), chunk('IHDR', header), chunk('IDAT', deflateSync(plain, { level: 9, memLevel: 9 })), chunk('IEND', Buffer.alloc(0))]);
  return out.length < png.length ? out : png;
}
