// Validates types of the CRM's JSON.

import { failed } from './errors.js';

/** Throws unless the CRM's response matches its API description. */
export function readable(condition: boolean): asserts condition {
  if (!condition) throw failed("failed to parse the CRM's response");
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
  // Reject half of a surrogate pair: JSON can express it, UTF-8 cannot.
  readable(typeof value === 'string' && !/\p{Surrogate}/u.test(value));
  return value;
}

/** An optional text. */
export function maybeText(value: unknown): string | null {
  return value === undefined || value === null ? null : text(value);
}
