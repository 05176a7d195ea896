// Customers from a CRM over HTTP. Workers see the contacts that they own in the CRM.

import type { Crm } from 'frontgate:plugin/crm@0.1.0';
import type { CustomerSummary } from 'frontgate:plugin/plugin-types@0.1.0';
import { LIMIT_MAX, QUERY_MAX, escape, readContact, readContacts } from './api.js';
import { customer, isE164, summary } from './contact.js';
import { invalid, notFound } from './errors.js';

// The CRM's pages are smaller than the app's. A call reads at most this many of them; the next call continues there.
const PAGES_MAX = 10;

export const crm: Crm = {
  listCustomers({ worker, pageSize, position, query }) {
    if (query != null && [...query].length > QUERY_MAX) throw invalid('the CRM accepts at most 200 characters');
    const filter = `owner=${escape(worker)}` + (query == null ? '' : `&q=${escape(query)}`);
    const after = position.tag === 'after' ? `&after=${escape(position.val)}` : '';
    let cursor = position.tag === 'token' ? position.val : null;
    const customers: CustomerSummary[] = [];
    for (let pages = 0; pages < PAGES_MAX && customers.length < pageSize; pages++) {
      const limit = Math.min(pageSize - customers.length, LIMIT_MAX);
      const start = cursor === null ? after : `&cursor=${escape(cursor)}`;
      const page = readContacts(`${filter}&limit=${limit}${start}`);
      customers.push(...page.contacts.map(summary));
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    return { customers, nextPageToken: cursor };
  },

  getCustomer(worker, customerId) {
    // Other ids could lead to another path of the API.
    if (!/^[A-Za-z0-9-]{1,40}$/.test(customerId)) throw notFound;
    const contact = readContact(customerId);
    // The CRM returns every contact, so the plugin must check the owner.
    if (contact.owner !== worker) throw notFound;
    return customer(contact);
  },

  findCustomer(address) {
    const number = address.replace(/^whatsapp:/, '');
    if (!isE164(number)) return null;
    const [contact] = readContacts(`phone=${escape(number)}&limit=1`).contacts;
    return contact === undefined ? null : customer(contact);
  },
};
