// Constructors of the contract's errors.

import type { Error } from 'frontgate:plugin/plugin-types@0.1.0';

export const notFound: Error = { tag: 'not-found' };

export function unavailable(val: string): Error {
  return { tag: 'unavailable', val };
}

export function failed(val: string): Error {
  return { tag: 'failed', val };
}

export function invalid(val: string): Error {
  return { tag: 'invalid', val };
}
