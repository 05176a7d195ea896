// A contact of the CRM, and its conversion to a customer.

import { write } from 'frontgate:plugin/log@0.1.0';
import type { ContactChannel, Customer, CustomerSummary, Link } from 'frontgate:plugin/plugin-types@0.1.0';
import { array, bool, maybeText, object, text } from './json.js';

interface Phone {
  number: string;
  whatsapp: boolean;
}

export interface Contact {
  id: string;
  name: string | null;
  company: string | null;
  email: string | null;
  owner: string | null;
  avatarUrl: string | null;
  notes: string | null;
  url: string | null;
  phones: Phone[];
}

/** Returns a contact with validated types. */
export function contactOf(json: unknown): Contact {
  const fields = object(json);
  return {
    id: text(fields['id']),
    name: maybeText(fields['name']),
    company: maybeText(fields['company']),
    email: maybeText(fields['email']),
    owner: maybeText(fields['owner']),
    avatarUrl: maybeText(fields['avatar_url']),
    notes: maybeText(fields['notes']),
    url: maybeText(fields['url']),
    phones: array(fields['phones']).map((json) => {
      const phone = object(json);
      return { number: text(phone['number']), whatsapp: bool(phone['whatsapp']) };
    }),
  };
}

/** Converts to a row of the list. */
export function summary({ id, name, company, avatarUrl }: Contact): CustomerSummary {
  // Some contacts are companies, without a person.
  return { customerId: id, displayName: name ?? company ?? id, avatar: avatarUrl };
}

/** Converts to a customer with all details. */
export function customer(contact: Contact): Customer {
  const { url, email, notes, owner } = contact;
  const links: Link[] = [];
  if (url !== null) links.push({ kind: 'CRM', value: url, displayName: 'Open in the CRM' });
  if (email !== null) links.push({ kind: 'Mail', value: `mailto:${email}`, displayName: email });
  return {
    ...summary(contact),
    channels: channels(contact.phones),
    links,
    details: notes === null ? null : { title: 'Notes', content: notes },
    worker: owner,
  };
}

function channels(phones: Phone[]): ContactChannel[] {
  const usable = phones.filter(({ number }) => isE164(number));
  const odd = phones.length - usable.length;
  if (odd > 0) write('warn', `omitted phone numbers that are not in E.164: ${odd}`);
  return usable.flatMap(({ number, whatsapp }) => {
    const sms = { kind: 'sms', value: number };
    return whatsapp ? [sms, { kind: 'whatsapp', value: `whatsapp:${number}` }] : [sms];
  });
}

/** A plus and seven to fifteen digits, the first of which is not zero. */
export function isE164(number: string): boolean {
  return /^\+[1-9][0-9]{6,14}$/.test(number);
}
