// A few made-up customers. Yours come from your own system: "frontgate:plugin/http-client@0.1.0" asks it, once the
// operator has granted its address (`outbound` in plugin.toml).

// In the order in which the app shows them. Ids never change; that of a customer who was shown must be found.
const all = [
  customer('c-001', 'Kateřina Sharma', 'Tier: silver\nSince: 2022', 'ana@example.org', [
    sms('+12125550143'),
    whatsapp('+12125550143'),
  ]),
  customer('c-002', 'Mora Lind', 'Tier: gold\nSince: 2019', 'ana@example.org', [sms('+12025550107')]),
  customer('c-003', 'Bjørn Aas', 'Tier: gold\nSince: 2021', 'ben@example.org', [sms('+12025550108')]),
  customer('c-004', 'Zoë Marín', 'Tier: new\nSince: 2025', null, [whatsapp('+12025550109')]),
  customer('c-005', '李娜', 'Tier: silver\nSince: 2023', 'ana@example.org', [sms('+12025550110')]),
];

function customer(customerId, displayName, account, worker, channels) {
  const url = `https://crm.example.com/customers/${customerId}`;
  return {
    customerId,
    displayName,
    channels,
    links: [{ kind: 'CRM', value: url, displayName: 'Open in CRM' }],
    details: { title: 'Account', content: account },
    worker,
  };
}

function sms(number) {
  return { kind: 'sms', value: number };
}

function whatsapp(number) {
  return { kind: 'whatsapp', value: `whatsapp:${number}` };
}

// A worker sees customers of their own, and those of nobody.
export function visibleTo(worker) {
  return all.filter((customer) => customer.worker === null || customer.worker === worker);
}

// One that this worker may see, or undefined.
export function find(worker, customerId) {
  return visibleTo(worker).find((customer) => customer.customerId === customerId);
}

// The one behind +12025550107 or whatsapp:+12025550107, or undefined.
export function byAddress(address) {
  const number = (text) => text.replace(/^whatsapp:/, '');
  return all.find(({ channels }) => channels.some(({ value }) => number(value) === number(address)));
}
