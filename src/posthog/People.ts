/**
 * Different people by `user.uuid`, numbered as they appear. The same person stands in a sync four times and more; here
 * each id is parsed, hashed and kept once, and a number names the person elsewhere. About 100 bytes a person: 16 for the
 * id, 8 to 16 for its slot, 4 to tell who appears again, 64 for its text.
 */
const hyphen = 0x2d

/** Values of hexadecimal digits; {@link noDigit} for all other bytes. */
const noDigit = 0x80
const digitOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase())
  return digit < 0 ? noDigit : digit
})

/** Characters of an id. */
const idLength = 36

const wordsOfId = 4
const smallest = 1024

export class People {
  #words = new Uint32Array(smallest * wordsOfId)
  /** Numbers of people by hash, from 1; 0 is free. Never more than half full. */
  #slots = new Uint32Array(smallest * 2)
  readonly #texts: Array<string> = []
  /** The id that was parsed last. */
  readonly #id = new Uint32Array(wordsOfId)
  /** For each person the last time that somebody asked of several whether they are distinct. */
  #seen = new Uint32Array(smallest)
  #times = 0

  get size(): number {
    return this.#texts.length
  }

  /** `user.uuid` of a person, in lower case; always the same string. */
  uuid(person: number): string {
    return this.#texts[person] ?? ""
  }

  /** The number of the person whose id stands at `start`, in hexadecimal digits of either case; -1 when there is none. */
  numberAt(bytes: Buffer, start: number): number {
    const id = this.#id
    let isBad = 0
    let at = start
    for (let word = 0; word < wordsOfId; word++) {
      let value = 0
      for (let digits = 0; digits < 8; digits++) {
        const place = at - start
        if (place === 8 || place === 13 || place === 18 || place === 23) isBad |= (bytes[at++] ?? 0) ^ hyphen
        const digit = digitOf[bytes[at++] ?? 0] ?? noDigit
        isBad |= digit & noDigit
        value = (value << 4) | digit
      }
      id[word] = value
    }
    return isBad === 0 ? this.#number(bytes, start) : -1
  }

  /** The number of the person with an id. */
  numberOf(uuid: string): number {
    return this.numberAt(Buffer.from(uuid), 0)
  }

  /** Whether no person is twice among entries that hold the number of one each, above so many other bits. */
  areDistinct(entries: ArrayLike<number>, bits: number): boolean {
    const seen = this.#seen
    const time = ++this.#times
    for (let at = 0; at < entries.length; at++) {
      const person = (entries[at] ?? 0) >>> bits
      if (seen[person] === time) return false
      seen[person] = time
    }
    return true
  }

  /** Finds the id that was parsed last and stands at `start`, or adds it. */
  #number(bytes: Buffer, start: number): number {
    const words = this.#words
    const slots = this.#slots
    const id = this.#id
    // To take an array apart goes through an iterator: 110 ns a person in place of 70, and a twentieth of a sync's garbage.
    const a = id[0] ?? 0
    const b = id[1] ?? 0
    const c = id[2] ?? 0
    const d = id[3] ?? 0
    const mask = slots.length - 1
    let slot = this.#slotOf(a, b, c, d) & mask
    while (true) {
      const number = slots[slot] ?? 0
      if (number === 0) break
      const at = (number - 1) * wordsOfId
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) return number - 1
      slot = (slot + 1) & mask
    }
    const person = this.#texts.length
    if ((person + 1) * 2 > slots.length) {
      this.#grow()
      return this.#number(bytes, start)
    }
    words.set(id, person * wordsOfId)
    slots[slot] = person + 1
    this.#texts.push(bytes.toString("latin1", start, start + idLength).toLowerCase())
    return person
  }

  /** All words count: PostHog's ids differ most in the last, others' may differ in the first alone. */
  #slotOf(a: number, b: number, c: number, d: number): number {
    const mixed = Math.imul(
      d ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35) ^ Math.imul(a, 0x27d4eb2f),
      0x9e3779b1
    )
    return mixed ^ (mixed >>> 15)
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2)
    words.set(this.#words)
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let person = 0; person < this.#texts.length; person++) {
      const at = person * wordsOfId
      let slot = this.#slotOf(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = person + 1
    }
    const seen = new Uint32Array(this.#seen.length * 2)
    seen.set(this.#seen)
    this.#words = words
    this.#slots = slots
    this.#seen = seen
  }
}
