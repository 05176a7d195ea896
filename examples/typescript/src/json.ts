// What comes from outside has no type until somebody has looked at it.

import { failed } from './errors.js';

/** Says that the CRM's answer is not what its description says, unless a condition holds. */
export function readable(condition: boolean): asserts condition {
  if (!condition) throw failed("the CRM's answer cannot be read");
}

export function object(value: unknown): Partial<Record<string, unknown>> {
  readable(typeof value === 'object' && value !== null);
  return value as Partial<Record<string, unknown>>;
}

export function array(value: unknown): unknown[] {
  readable(Array.isArray(value));
  return value;
}

export function bool(value: unknown): boolean {
  readable(typeof value === 'boolean');
  return value;
}

export function text(value: unknown): string {
  // Half of a character is none: JSON can write it, and UTF-8 cannot.
  readable(typeof value === 'string' && !/\p{Surrogate}/u.test(value));
  return value;
}

/** A text that the CRM may not know. */
export function maybeText(value: unknown): string | null {
  return value === undefined || value === null ? null : text(value);
}
