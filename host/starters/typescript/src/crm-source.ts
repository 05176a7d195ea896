// Role `crm-source`: reports the customers of a CRM for the gateway's index.

import type { CrmSource, Error, SourceCustomer } from 'frontgate:plugin/crm-source@0.1.0';
import { type HttpError, type OutboundResponse, send } from 'frontgate:plugin/http-client@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { decode, encode } from './text.js';

// The CRM's answer: customers in the order of their ids, and the CRM's time.
interface Page {
  now: number;
  customers: Entry[];
}

interface Entry {
  id: string;
  name: string;
  phone?: string | null;
  email?: string | null;
  company?: string | null;
  owner?: string | null;
  updated_at: number;
}

// A cursor is the place in a run: `1:SINCE:STARTED:AFTER`. The first number is the version of this format.
// - SINCE: the run reads what changed at this time or later. 0: everything.
// - STARTED: the CRM's time at the beginning of the run, where the next run starts. 0: the run has not begun.
// - AFTER: the id of the last customer that was read.
const CURSOR = /^1:(\d{1,15}):(\d{1,15}):([^]*)$/;

export const crmSource: CrmSource = {
  facts() {
    // This CRM does not report removed customers: the gateway finds them when it enumerates all customers.
    return {
      isIncremental: true,
      reportsRemovals: false,
      reportsVisibility: true,
      batchSize: 100,
      requestsPerCall: 1,
    };
  },

  changes(bytes, limit) {
    const cursor = CURSOR.exec(bytes ? textOrNone(bytes) : '1:0:0:');
    if (!cursor) return { tag: 'cursor-expired' };
    const [, since, begun, after] = cursor;
    const response = request(`updated_since=${since}&after_id=${encodeURIComponent(after!)}&limit=${limit}`);
    if (response.status === 429) return { tag: 'busy', val: waitMs(response) };
    const { now, customers } = read(response);
    const started = begun === '0' ? now : begun;
    const hasMore = customers.length >= limit;
    // A run that has ended is followed by one that reads what changed since it began.
    const next = hasMore ? `1:${since}:${started}:${customers[customers.length - 1]!.id}` : `1:${started}:0:`;
    return { tag: 'batch', val: { upserts: customers.map(customer), removals: [], next: encode(next), hasMore } };
  },

  fetch(ids) {
    return read(request(`ids=${ids.map(encodeURIComponent).join(',')}`)).customers.map(customer);
  },

  notified() {
    // This CRM has no webhooks. One that has them: verify the signature before anything else.
    return { status: 404, body: '', news: { tag: 'none' } };
  },
};

function customer({ id, name, phone, email, company, owner, updated_at }: Entry): SourceCustomer {
  return {
    customer: {
      customerId: id,
      displayName: name,
      channels: phone ? [{ kind: 'sms', value: phone }] : [],
      links: [],
      worker: owner ?? null,
    },
    // A worker sees their own customers and those without an owner.
    seenBy: owner ? { tag: 'only', val: [{ tag: 'worker', val: owner }] } : { tag: 'everyone' },
    company: company ?? null,
    emails: email ? [email] : [],
    numbers: [],
    version: updated_at,
    isComplete: true,
  };
}

// Requests customers.
function request(query: string): OutboundResponse {
  // The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
  // configuration.
  const crm = get('crm');
  if (!crm) throw { tag: 'failed', val: 'the setting `crm` is missing' } satisfies Error;
  try {
    return send({ method: 'GET', url: `${crm}/customers?${query}`, headers: [], body: new Uint8Array() });
  } catch (error) {
    // TypeScript does not check caught values.
    const { payload } = error as { payload: HttpError };
    if (payload.tag === 'forbidden') throw { tag: 'failed', val: payload.val } satisfies Error;
    throw { tag: 'unavailable', val: `no answer from the CRM: ${payload.tag}` } satisfies Error;
  }
}

function read({ status, body }: OutboundResponse): Page {
  if (status < 200 || status >= 300) {
    const tag = status === 429 || status >= 500 ? 'unavailable' : 'failed';
    throw { tag, val: `the CRM answered ${status}` } satisfies Error;
  }
  try {
    return JSON.parse(decode(body)) as Page;
  } catch {
    throw { tag: 'failed', val: "the CRM's answer is not JSON" } satisfies Error;
  }
}

// Returns the time in `Retry-After`, or a second.
function waitMs({ headers }: OutboundResponse): number {
  const seconds = headers.find(({ name }) => name.toLowerCase() === 'retry-after')?.value;
  return seconds && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 1000;
}

function textOrNone(bytes: Uint8Array): string {
  try {
    return decode(bytes);
  } catch {
    return '';
  }
}
