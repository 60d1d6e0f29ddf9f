/** Why a visor did not do what it was asked. */

const names = ['OK', 'EINVAL', 'ENOENT', 'EEXIST', 'EAGAIN', 'ECANCELED', 'ETIMEDOUT', 'EIO', 'ECORRUPT', 'ENOSPC',
  'ENOSYS', 'EPERM', 'ECLOSED', 'EPROTO', 'EINTERNAL'];

/** The statuses of visor/abi.h by their names. */
export const status = Object.fromEntries(names.map((name, i) => [name, -i]));

/** `code` is the status's name ("ENOENT"), `status` its number (negative), `message` the reason for people. */
export class VisorError extends Error {
  /**
   * @param {number} number the status
   * @param {string} [message]
   * @param {{cause?: unknown}} [options]
   */
  constructor(number, message, options) {
    super(message || `status ${number}`, options);
    this.name = 'VisorError';
    this.status = number;
    this.code = names[-number] ?? 'EINTERNAL';
  }
}
