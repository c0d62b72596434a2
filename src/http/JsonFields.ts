/** The members of an object that are to be found while it is looked through, by the way that leads to each. */

/** A member to be found, or one on the way there. */
export interface Node {
  /** As JSON writes it. */
  readonly key: Buffer
  /** Its place among the fields; behind them for those on the way. */
  readonly index: number
  readonly children: Nodes
}

/** The members that are to be found in one object. */
export interface Nodes {
  readonly members: ReadonlyArray<Node>
  /** For each length of a key, up to a multiple of 32, whether one has it: most keys are passed over by that. */
  readonly lengths: number
}

const nodesOf = (members: ReadonlyArray<Node>): Nodes => ({
  members,
  lengths: members.reduce((lengths, { key }) => lengths | (1 << (key.length & 31)), 0)
})

/** Whether a key of that length, quotes included, can be among them. */
export const mayBeIn = ({ lengths }: Nodes, length: number): boolean => ((lengths >>> (length & 31)) & 1) === 1

/** Whether a key stands between two places. */
export const isKey = (key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean => {
  if (key.length !== end - start) return false
  for (let index = 0; index < key.length; index++) if (bytes[start + index] !== key[index]) return false
  return true
}

/** A node of what is to be found below it. */
export const node = (key: string, index: number, children: ReadonlyArray<Node> = []): Node => ({
  key: Buffer.from(JSON.stringify(key)),
  index,
  children: nodesOf(children)
})

/** Members to be found, numbered in the order in which their paths were given. */
export interface Fields {
  readonly tree: Node
  /** How many there are, those on the way to others included. */
  readonly size: number
  /** The paths, as JSON. */
  readonly paths: string
}

/**
 * Makes {@link Fields} of paths, once for all answers.
 *
 * @example
 * fieldsOf([["id"], ["user", "uuid"]]) // field 0 and field 1
 */
export const fieldsOf = (fields: ReadonlyArray<ReadonlyArray<string>>): Fields => {
  let size = fields.length
  const below = (way: ReadonlyArray<string>): ReadonlyArray<Node> => {
    const longer = fields.filter((path) => path.length > way.length && way.every((key, at) => path[at] === key))
    return [...new Set(longer.map((path) => path[way.length] ?? ""))].map((key) => {
      const own = [...way, key]
      const index = fields.findIndex((path) => path.length === own.length && own.every((part, at) => path[at] === part))
      return node(key, index < 0 ? size++ : index, below(own))
    })
  }
  const tree = node("", -1, below([]))
  return { tree, size, paths: JSON.stringify(fields) }
}

/** For each field whether it is an object on the way to others, where it is one. */
export const onTheWay = ({ size, tree }: Fields): Uint8Array => {
  const found = new Uint8Array(size)
  const note = ({ children, index }: Node): void => {
    if (index >= 0 && children.members.length > 0) found[index] = 1
    children.members.forEach(note)
  }
  note(tree)
  return found
}

/** Nothing is to be found. */
export const nowhere: Nodes = nodesOf([])

export const noFields: Fields = fieldsOf([])
