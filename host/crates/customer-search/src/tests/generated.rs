//! Generated customers with names in 12 scripts, for tests and measurements.

use crate::{Audience, Index, Row, SortKey, SortKeys, Spelling, searched_text};

const FIRST: &[&str] = &[
    "Maria", "João", "Ana", "Peter", "Jürgen", "Anna", "Mark", "Sofia", "Carlos", "Emma", "Liam", "Olivia", "Noah",
    "Lucas", "Mia", "Hugo", "Léa", "Chloé", "Marta", "Piotr", "Zoë", "Ines", "Tomás", "Nuno", "Rita", "Åsa", "Lars",
    "Ingrid",
];
const LAST: &[&str] = &[
    "Silva",
    "Gonçalves",
    "Alves",
    "Santos",
    "Oliveira",
    "Müller",
    "Schmidt",
    "Zimmermann",
    "Smith",
    "Johnson",
    "García",
    "Martínez",
    "Rossi",
    "Dubois",
    "Åkesson",
    "Andersson",
    "Kowalski",
    "O'Brien",
    "Jensen",
    "Nguyễn",
    "Pereira",
    "Costa",
    "Ferreira",
    "Marques",
    "Becker",
    "Hoffmann",
    "Walker",
    "Wright",
    "Lefèvre",
    "Moreau",
    "Novák",
    "Horvath",
];
/// First and last names of other scripts.
const OTHERS: &[(&[&str], &[&str])] = &[
    (&["Иван", "Мария", "Андрей", "Ольга"], &["Петров", "Смирнова", "Иванов", "Кузнецова"]),
    (&["Ελένη", "Γιώργος", "Μαρία"], &["Παπαδόπουλος", "Νικολάου"]),
    (&["محمد", "فاطمة", "أحمد", "علي"], &["حسن", "إبراهيم", "الهاشمي"]),
    (&["שרה", "דוד", "יוסף"], &["כהן", "לוי"]),
    (&["สมชาย", "สมหญิง", "น้ำฝน"], &["ใจดี", "สุขใจ", "รักไทย"]),
    (&["王", "李", "张", "刘", "陈"], &["伟", "娜", "秀英", "敏", "静"]),
    (&["さくら", "はると", "ゆい"], &["山田", "佐藤", "鈴木"]),
    (&["サッカー", "アンナ"], &["タナカ", "スズキ"]),
    (&["김", "이", "박"], &["민준", "서연", "지우"]),
    (&["प्रिया", "राहुल"], &["शर्मा", "वर्मा"]),
    (&["அருண்", "கவிதா"], &["குமார்", "ராஜன்"]),
];
const COMPANIES: &[&str] = &[
    "ACME Logistics",
    "Globex",
    "Initech Systems",
    "Umbrella Health",
    "Stark Industries",
    "Wayne Enterprises",
    "Hooli",
    "Vandelay Imports",
    "Soylent Foods",
    "Massive Dynamic",
    "Cyberdyne",
    "Wonka Chocolate",
];
const DOMAINS: &[&str] = &["example.com", "example.org", "gmail.com", "mail.test"];
/// Workers beside everyone, who is audience 0. The first has a tenth of all customers, the second a twentieth.
pub(crate) const WORKERS: u64 = 200;

/// A customer, as the service would have stored it.
pub(crate) struct Customer {
    pub(crate) n: u32,
    pub(crate) key: SortKey,
    pub(crate) text: String,
    pub(crate) audiences: Vec<Audience>,
}

impl Customer {
    pub(crate) fn row(&self) -> Row<'_> {
        Row { n: self.n, key: &self.key, text: &self.text, audiences: &self.audiences }
    }
}

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

fn name(random: &mut Random) -> String {
    if random.below(100) < 80 {
        let (first, last) = (random.of(FIRST), random.of(LAST));
        return match random.below(3) {
            0 => format!("{first} {} {last}", random.of(LAST)),
            _ => format!("{first} {last}"),
        };
    }
    let (first, last) = OTHERS[random.below(OTHERS.len() as u64) as usize];
    let (first, last) = (random.of(first), random.of(last));
    // Han, kana and Hangul have no space between the names.
    let space = if first.starts_with(|c| c > '\u{3000}') { "" } else { " " };
    format!("{first}{space}{last}")
}

fn audience(random: &mut Random) -> Audience {
    match random.below(1_000) {
        0..50 => Audience(0),
        50..150 => Audience(1),
        150..205 => Audience(2),
        _ => Audience(3 + random.below(WORKERS - 2) as u32),
    }
}

/// Returns one customer. The key of its name and its text are made as the service would.
pub(crate) fn customer(n: u32, random: &mut Random, keys: &SortKeys) -> Customer {
    let name = name(random);
    let company = if random.below(100) < 60 { random.of(COMPANIES) } else { "" };
    let id = random.below(1 << 40);
    let email = format!("c{id:010x}.{}@{}", random.below(1_000), random.of(DOMAINS));
    let mut number = || format!("+55 11 9{:04}-{:04}", random.below(10_000), random.below(10_000));
    let mut numbers = vec![number()];
    if n.is_multiple_of(5) {
        numbers.push(number());
    }
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let text = searched_text(Spelling::Plain, &name, company, &[&email], &numbers).text;
    Customer { n, key: keys.key(&name, ""), text, audiences: vec![audience(random)] }
}

pub(crate) fn customers(count: u32) -> Vec<Customer> {
    let (mut random, keys) = (Random(1), SortKeys::new("").expect("the root"));
    (0..count).map(|n| customer(n, &mut random, &keys)).collect()
}

pub(crate) fn index(count: u32) -> Index {
    Index::build(customers(count).iter().map(Customer::row))
}

/// Returns everyone and all workers.
pub(crate) fn audiences() -> Vec<Audience> {
    (0..=WORKERS as u32).map(Audience).collect()
}
