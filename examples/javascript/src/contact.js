// A contact of the CRM, and its conversion to a customer.

import { write } from 'frontgate:plugin/log@0.1.0';

/** Throws unless the CRM's response matches its API description. */
export function readable(condition) {
  if (!condition) throw { tag: 'failed', val: "failed to parse the CRM's response" };
}

/** An optional text. */
export function maybeText(value) {
  return value === undefined || value === null ? null : text(value);
}

function text(value) {
  readable(typeof value === 'string' && !/\p{Surrogate}/u.test(value));
  return value;
}

/** Returns a contact with validated types. */
export function contactOf(json) {
  readable(typeof json === 'object' && json !== null && Array.isArray(json.phones));
  return {
    id: text(json.id),
    name: maybeText(json.name),
    company: maybeText(json.company),
    email: maybeText(json.email),
    owner: maybeText(json.owner),
    avatarUrl: maybeText(json.avatar_url),
    notes: maybeText(json.notes),
    url: maybeText(json.url),
    phones: json.phones.map((phone) => {
      readable(typeof phone?.whatsapp === 'boolean');
      return { number: text(phone.number), whatsapp: phone.whatsapp };
    }),
  };
}

/** Converts to a row of the list. */
export function summary({ id, name, company, avatarUrl }) {
  // Some contacts are companies, without a person.
  return { customerId: id, displayName: name ?? company ?? id, avatar: avatarUrl };
}

/** Converts to a customer with all details. */
export function customer(contact) {
  const { url, email, notes, owner } = contact;
  const links = [];
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

function channels(phones) {
  const usable = phones.filter(({ number }) => isE164(number));
  const odd = phones.length - usable.length;
  if (odd > 0) write('warn', `omitted phone numbers that are not in E.164: ${odd}`);
  return usable.flatMap(({ number, whatsapp }) => {
    const sms = { kind: 'sms', value: number };
    return whatsapp ? [sms, { kind: 'whatsapp', value: `whatsapp:${number}` }] : [sms];
  });
}

/** A plus and seven to fifteen digits, the first of which is not zero. */
export function isE164(number) {
  return /^\+[1-9][0-9]{6,14}$/.test(number);
}
