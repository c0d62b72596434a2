/** People made from a seed and an index: realistic, reproducible, never real. */
import { hash, pick, timestamp, uuid7, uuidt } from "./Hash.ts"
import { Level, type Member } from "./Organization.ts"

/** The newest moment of simulated data: 2026-09-01T00:00:00Z, in milliseconds. */
export const epochEnd = 1_788_220_800_000

/** Rows before 2024-06-01 carry PostHog's own identifiers, later ones UUIDv7. */
const firstUuid7 = 1_717_200_000_000

const day = 86_400_000

/** A row identifier of the kind that was made at that moment. */
export const rowId = (milliseconds: number, seed: number): string =>
  milliseconds < firstUuid7 ? uuidt(milliseconds, seed) : uuid7(milliseconds, seed)

/** Display form and the form that goes into an e-mail address. */
type Name = readonly [shown: string, ascii: string]

const firstNames: readonly [Name, ...ReadonlyArray<Name>] = [
  ["Ines", "ines"],
  ["Tomasz", "tomasz"],
  ["Zoë", "zoe"],
  ["José", "jose"],
  ["Łucja", "lucja"],
  ["Søren", "soren"],
  ["Ayşe", "ayse"],
  ["Đức", "duc"],
  ["Ольга", "olga"],
  ["李娜", "na"],
  ["さくら", "sakura"],
  ["محمد", "mohammed"],
  ["נועה", "noa"],
  ["Priya", "priya"],
  ["Kwame", "kwame"],
  ["Aoife", "aoife"],
  ["Mary Ann", "mary.ann"],
  ["Björk", "bjork"],
  ["Nguyễn", "nguyen"],
  ["Renée", "renee"],
  ["Dmytro", "dmytro"],
  ["Thandiwe", "thandiwe"],
  ["Jean-Luc", "jean-luc"],
  ["Oluwaseun", "oluwaseun"],
  ["Hanna", "hanna"],
  ["Mateo", "mateo"],
  ["Fatima", "fatima"],
  ["Lars", "lars"],
  ["Grace", "grace"],
  ["Kenji", "kenji"],
  ["Chloé", "chloe"]
]

const lastNames: readonly [Name, ...ReadonlyArray<Name>] = [
  ["Marchetti", "marchetti"],
  ["O’Connor", "oconnor"],
  ["van der Berg", "vanderberg"],
  ["Müller", "mueller"],
  ["Wiśniewska", "wisniewska"],
  ["Øvergård", "overgard"],
  ["Yılmaz", "yilmaz"],
  ["Trần", "tran"],
  ["Иванова", "ivanova"],
  ["王", "wang"],
  ["佐藤", "sato"],
  ["الحسن", "alhasan"],
  ["לוי", "levi"],
  ["Raghunathan", "raghunathan"],
  ["Mensah", "mensah"],
  ["Ní Bhriain", "nibhriain"],
  ["Núñez de la Cruz", "nunez"],
  ["Smith", "smith"],
  ["D’Angelo", "dangelo"],
  ["Kovačević", "kovacevic"],
  ["Okafor", "okafor"],
  ["Lindqvist", "lindqvist"],
  ["Silva 🦔", "silva"]
]

/** PostHog: the areas offered at sign-up; free of meaning for access. */
const areas = [
  "engineering",
  "data",
  "product",
  "founder",
  "leadership",
  "marketing",
  "sales",
  "student",
  "other",
  "",
  null
]

const hedgehogs: readonly [unknown, ...ReadonlyArray<unknown>] = [
  { color: "sepia", accessories: ["beret", "glasses"], use_as_profile: true },
  {},
  [],
  "default",
  0,
  false
]

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const distinctId = (seed: number): string => {
  let id = ""
  for (let word = 0; word < 11; word++) {
    const draw = hash(seed, 900, word)
    for (let digit = 0; digit < 4 && id.length < 43; digit++) id += base62.charAt((draw >>> (digit * 7)) % 62)
  }
  return id
}

const levelOf = (index: number, draw: number): number =>
  index === 0 || draw % 997 === 5 ? Level.owner : draw % 23 === 3 ? Level.administrator : Level.member

/**
 * The person at `index`, who joined at the given millisecond. The first one is the owner who founded the organization.
 *
 * @example
 * makePerson({ seed: 1, index: 0, joined: epochEnd, projects: 1 }).level // 15
 */
export const makePerson = (options: {
  readonly seed: number
  readonly index: number
  /** Milliseconds since the epoch; whole seconds are rendered without a fraction. */
  readonly joined: number
  readonly projects: number
}): Member => {
  const { index, joined } = options
  const own = hash(options.seed, index)
  const draw = (salt: number) => hash(own, salt)
  const [first, firstAscii] = pick(firstNames, draw(1))
  const [last, lastAscii] = pick(lastNames, draw(2))
  const lastKnown = draw(3) % 19 !== 7
  const micros = joined % 1000 === 0 && draw(4) % 2 === 0 ? 0 : draw(4) % 1000
  const joinedAt = timestamp(joined, micros)
  const seen = Math.max(joined, epochEnd - (draw(5) % 400) * day - (draw(6) % day))
  const old = joined < firstUuid7
  return {
    id: rowId(joined, draw(7)),
    user: {
      id: 1000 + index * 7 + (draw(8) % 7),
      uuid: rowId(joined - 180 - (draw(9) % 60), draw(10)),
      distinctId: draw(11) % 13 === 0 ? null : distinctId(own),
      firstName: first,
      lastName: lastKnown ? last : "",
      email: `${firstAscii}${lastKnown ? `.${lastAscii}` : ""}.${index}@northwind.example`,
      isEmailVerified: old && draw(12) % 3 === 0 ? null : draw(12) % 9 !== 0,
      hedgehogConfig: draw(13) % 8 === 0 ? pick(hedgehogs, draw(14)) : null,
      roleAtOrganization: areas[draw(15) % areas.length] ?? null,
      project: draw(16) % options.projects
    },
    level: levelOf(index, draw(17)),
    joinedAt,
    updatedAt: draw(18) % 3 === 0 ? timestamp(seen, draw(18) % 1000) : joinedAt,
    is2faEnabled: draw(19) % 3 !== 0,
    hasSocialAuth: draw(20) % 4 === 0,
    lastLogin: draw(21) % 11 === 0 ? null : timestamp(seen, draw(21) % 1000)
  }
}
