// Sample customers. Replace them with requests to your own system: "frontgate:plugin/http-client@0.1.0" sends them,
// after the operator has granted the host (`outbound` in plugin.toml).

// In display order. Ids must be stable: the gateway may request any customer that was listed.
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

// A worker sees their own customers and those without an owner.
export function visibleTo(worker) {
  return all.filter((customer) => customer.worker === null || customer.worker === worker);
}

// Returns a customer that this worker may see, or undefined.
export function find(worker, customerId) {
  return visibleTo(worker).find((customer) => customer.customerId === customerId);
}

// Returns the customer with the address +12025550107 or whatsapp:+12025550107, or undefined.
export function byAddress(address) {
  const number = (text) => text.replace(/^whatsapp:/, '');
  return all.find(({ channels }) => channels.some(({ value }) => number(value) === number(address)));
}
