// The plugin that the bench measures, in JavaScript.

const FIRST = ['Ada', 'Boris', 'Chen', 'Dora', 'Emil', 'Farah', 'Gus', 'Hana', 'Ivo', 'Jun'];
const LAST = ['Adler', 'Brown', 'Costa', 'Diaz', 'Evans', 'Fischer', 'Garcia', 'Haas', 'Ito', 'Jansen'];

function customer(number) {
  const phone = `+1202555${String(number).padStart(4, '0')}`;
  return {
    customerId: String(number),
    displayName: `${FIRST[number % 10]} ${LAST[Math.floor(number / 10) % 10]}`,
    channels: [
      { kind: 'whatsapp', value: `whatsapp:${phone}` },
      { kind: 'sms', value: phone },
    ],
    links: [],
  };
}

export const crm = {
  listCustomers(request) {
    const count = request.worker === 'nobody@example.org' ? 0 : request.pageSize;
    return { customers: Array.from({ length: count }, (_, number) => customer(number)) };
  },
  getCustomer(worker, customerId) {
    return customer(Number(customerId));
  },
  findCustomer() {
    return undefined;
  },
};
