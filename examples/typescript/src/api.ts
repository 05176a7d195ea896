// The CRM's API: requests, and the meaning of responses.

import { type HttpError, type OutboundResponse, send } from 'frontgate:plugin/http-client@0.1.0';
import type { Error } from 'frontgate:plugin/plugin-types@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { type Contact, contactOf } from './contact.js';
import { failed, invalid, notFound, unavailable } from './errors.js';
import { array, maybeText, object } from './json.js';
import { decode } from './utf8.js';

// The CRM's maximum page size.
export const LIMIT_MAX = 50;
// The maximum length of a search text, in characters.
export const QUERY_MAX = 200;
// The timeout of one request. The app waits about five seconds for all of them.
const PATIENCE_MS = 2000;

interface Page {
  contacts: Contact[];
  nextCursor: string | null;
}

/** Reads a page of contacts. */
export function readContacts(query: string): Page {
  const page = read(`/contacts?${query}`);
  if (page === null) throw failed('the CRM returned 404');
  const { contacts, next_cursor } = object(page);
  return { contacts: array(contacts).map(contactOf), nextCursor: maybeText(next_cursor) };
}

/** Returns the contact with this id. */
export function readContact(id: string): Contact {
  const contact = read(`/contacts/${id}`);
  if (contact === null) throw notFound;
  return contactOf(contact);
}

/** Escapes a query value. */
export function escape(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// Reads a path; null for status 404.
function read(path: string): object | null {
  const crm = get('crm');
  if (crm === null) throw failed("the setting `crm` is missing: the CRM's address");
  const answer = ask(crm.replace(/\/+$/, '') + path);
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw refused(answer);
  return object(parse(answer.body));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes));
  } catch {
    return undefined;
  }
}

function ask(url: string): OutboundResponse {
  const headers = [{ name: 'accept', value: 'application/json' }];
  try {
    return send({ method: 'GET', url, headers, body: new Uint8Array(), timeoutMs: PATIENCE_MS });
  } catch (error) {
    throw unanswered((error as { payload: HttpError }).payload);
  }
}

// Distinguishes retryable errors, for the gateway and its operator.
function refused({ status, headers }: OutboundResponse): Error {
  switch (status) {
    case 400:
      return invalid('the CRM rejected the request (400)');
    case 401:
    case 403:
      return failed(`the CRM rejected the token (${status})`);
    case 429: {
      const time = headers.find(({ name }) => name.toLowerCase() === 'retry-after')?.value;
      return unavailable('too many requests to the CRM' + (time === undefined ? '' : ` (retry-after: ${time})`));
    }
    default:
      return (status >= 500 ? unavailable : failed)(`the CRM returned ${status}`);
  }
}

function unanswered(error: HttpError): Error {
  switch (error.tag) {
    case 'timeout':
      return unavailable('the request to the CRM timed out');
    case 'not-connected':
      return unavailable(`failed to reach the CRM: ${error.val}`);
    case 'interrupted':
      return unavailable(`the CRM's response was interrupted: ${error.val}`);
    case 'forbidden':
      return failed(error.val);
    case 'too-large':
      return failed("the CRM's response is too large");
  }
}
