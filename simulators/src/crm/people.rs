//! Generates the contacts, the same on each start: some difficult ones and any number of ordinary ones.

use crate::crm::contact::{Contact, Phone};

const FIRST: [&str; 20] = [
    "Ada", "Boris", "Chen", "Dora", "Emil", "Farah", "Gus", "Hana", "Ivo", "Jun", "Karim", "Lena", "Marta", "Nils",
    "Olu", "Petra", "Quentin", "Rosa", "Sven", "Tess",
];
const LAST: [&str; 21] = [
    "Adler", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen", "Klein", "Lopez",
    "Meyer", "Novak", "Okafor", "Patel", "Quinn", "Rossi", "Silva", "Tanaka", "Ueda",
];

/// Generates contacts in list order.
pub(crate) fn people(count: usize) -> Vec<Contact> {
    let known = peculiar();
    let more = (known.len()..count).map(usual);
    let mut all: Vec<Contact> = known.iter().cloned().chain(more).take(count).collect();
    all.sort_by_cached_key(|contact| {
        let (name, id) = contact.order();
        (name, id.to_owned())
    });
    all
}

fn id(number: usize) -> String {
    format!("c-{number:06}")
}

/// Generates an ordinary contact. Ana owns every second one.
fn usual(number: usize) -> Contact {
    let name = format!("{} {}", FIRST[number % FIRST.len()], LAST[number % LAST.len()]);
    let owner = match number % 8 {
        0 | 2 | 4 | 6 => "ana@example.org",
        1 | 5 => "ben@example.org",
        3 => "chloe@example.org",
        _ => "",
    };
    let mobile = format!("+49309{number:07}");
    let avatar =
        if number.is_multiple_of(3) { format!("https://crm.example.com/avatars/{number}.png") } else { String::new() };
    Contact {
        id: id(number),
        email: format!("{}.{number}@customer.example", name.to_lowercase().replace(' ', ".")),
        name,
        company: format!("Company {}", number % 17),
        owner: owner.to_owned(),
        phones: vec![Phone::new("mobile", &mobile, number.is_multiple_of(2))],
        avatar_url: avatar,
        notes: String::new(),
    }
}

/// Returns contacts that are difficult for plugins.
fn peculiar() -> Vec<Contact> {
    let mobile = |number: &str| vec![Phone::new("mobile", number, true)];
    let ana = |name: &str| Contact { name: name.to_owned(), owner: "ana@example.org".to_owned(), ..Contact::default() };
    let all = [
        Contact {
            company: "Lind & Söhne".to_owned(),
            email: "mora.lind@customer.example".to_owned(),
            phones: vec![
                Phone::new("mobile", "+12025550107", true),
                Phone::new("office", "+1 (202) 555-0108", false),
                Phone::new("home", "+12025550109", false),
            ],
            avatar_url: "https://crm.example.com/avatars/mora.png".to_owned(),
            notes: "Prefers mornings.\nSaid: \"call me\" \\ 100 % sure".to_owned(),
            ..ana("Mora Lind")
        },
        Contact { phones: mobile("+12025550110"), ..ana("Zoë Åström") },
        Contact { phones: mobile("+12025550111"), notes: "喜歡茶 🍵".to_owned(), ..ana("李小龍") },
        Contact { phones: mobile("+12025550112"), ..ana("مريم الزهراء") },
        Contact { phones: mobile("+12025550113"), ..ana("Αθηνά Παπαδοπούλου 👩‍🚀") },
        Contact { email: "no.phone@customer.example".to_owned(), ..ana("Nobody to Call") },
        Contact {
            phones: ["202-555-0114", "call the reception", "+0012025550114", "+12", "+123456789012345678", ""]
                .map(|number| Phone::new("office", number, true))
                .to_vec(),
            ..ana("Odd Numbers")
        },
        Contact { company: "Only a Company Ltd.".to_owned(), phones: mobile("+12025550115"), ..ana("") },
        Contact { ..ana("O'Hara, \"Tab\tby\" <b>&amp;</b>") },
        Contact { phones: mobile("+12025550116"), owner: "ben@example.org".to_owned(), ..ana("Ben's Own Lind") },
        Contact { phones: mobile("+12025550117"), owner: String::new(), ..ana("Nobody's Lind") },
    ];
    let numbered = all.into_iter().enumerate();
    numbered.map(|(number, contact)| Contact { id: id(number), ..contact }).collect()
}
