/** Keys as people keep and bring them. */

/** The order of the curve: a secret key is a number from 1 to one less. */
const kOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * @param {string} text 64 hex digits, or an object {"sk": ..., "pk"?: ...}
 * @returns {{secretKey: string, pk: string|null}} pk as the text claims it; throws an Error with a sentence
 */
export function readIdentity(text) {
  const trimmed = text.trim();
  let secretKey = trimmed, pk = null;
  if (trimmed.startsWith('{')) {
    let value;
    try {
      value = JSON.parse(trimmed);
    } catch (error) {
      throw new Error(`This is not JSON: ${error.message}`);
    }
    if (typeof value.sk !== 'string') throw new Error('Expected {"sk": "64 hex digits"}; there is no "sk" in it.');
    secretKey = value.sk.trim();
    pk = typeof value.pk === 'string' ? value.pk.toLowerCase() : null;
  }
  secretKey = secretKey.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(secretKey)) throw new Error(`Expected 64 hex digits; got ${secretKey.length} characters${/[^0-9a-f]/.test(secretKey) ? ', not all of them hex digits' : ''}.`);
  const number = BigInt(`0x${secretKey}`);
  if (number === 0n || number >= kOrder) throw new Error('These 64 digits are no secret key of the curve secp256k1.');
  return { secretKey, pk };
}
