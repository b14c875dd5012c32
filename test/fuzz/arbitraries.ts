/** Inputs: texts of telling pieces, and real contents that were damaged. */
import fc from 'fast-check'

/** Any characters that a header can bring, a byte each: Node's parser lets no DEL pass. */
export const latin1: fc.Arbitrary<string> = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => (code === 0x7f ? '\t' : String.fromCharCode(code))),
  maxLength: 8,
})

/**
 * Texts of these pieces and of others; now and then one piece so often that a reader whose time grows with the square of the
 * length is found out.
 */
export function textOf(pieces: readonly string[], others: fc.Arbitrary<string> = latin1): fc.Arbitrary<string> {
  const piece = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, others)
  const text = fc.array(piece, { maxLength: 12 }).map((each) => each.join(''))
  const short = fc.array(piece, { maxLength: 3 }).map((each) => each.join(''))
  const pumped = fc
    .tuple(short, short, fc.nat(20_000), short)
    .map(([start, unit, times, end]) => `${start}${unit.repeat(Math.min(times, MOST / (unit.length + 1)))}${end}`)
  return fc.oneof({ weight: 200, arbitrary: text }, { weight: 1, arbitrary: pumped })
}

/** Characters. */
const MOST = 100_000

type Edit = (content: Buffer) => Buffer

/** One of these contents, or several, damaged in one way after the other. */
export function damaged(corpus: readonly Buffer[], pieces: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const place = fc.nat(0xffff)
  const at = (content: Buffer, where: number) => Math.floor((content.length * where) / 0x10000)
  const cut = (content: Buffer, one: number, other: number) =>
    [at(content, Math.min(one, other)), at(content, Math.max(one, other))] as const
  const insert = (content: Buffer, where: number, piece: Buffer) => {
    const index = at(content, where)
    return Buffer.concat([content.subarray(0, index), piece, content.subarray(index)])
  }
  const edit = fc.oneof<fc.Arbitrary<Edit>[]>(
    fc.tuple(place, fc.nat(7)).map(([where, bit]) => (content) => {
      const copy = Buffer.from(content)
      const index = at(copy, where)
      if (index < copy.length) copy[index] = (copy[index] ?? 0) ^ (1 << bit)
      return copy
    }),
    fc.tuple(place, place).map(([one, other]) => (content) => {
      const [start, end] = cut(content, one, other)
      return Buffer.concat([content.subarray(0, start), content.subarray(end)])
    }),
    fc.tuple(place, place, place).map(([one, other, where]) => (content) => {
      const [start, end] = cut(content, one, other)
      return insert(content, where, content.subarray(start, end))
    }),
    place.map((where) => (content) => content.subarray(0, at(content, where))),
    place.map((where) => (content) => content.subarray(at(content, where))),
    fc.tuple(place, fc.constantFrom(...pieces)).map(
      ([where, piece]) =>
        (content) =>
          insert(content, where, piece),
    ),
    fc.tuple(place, fc.uint8Array({ maxLength: 6 })).map(
      ([where, bytes]) =>
        (content) =>
          insert(content, where, Buffer.from(bytes)),
    ),
    fc.constantFrom(...corpus).map((other) => (content) => Buffer.concat([content, other])),
    fc.constantFrom<Edit>(
      (content) => replaced(content, '\n', '\r\n'),
      (content) => replaced(content, '\n', '\r'),
      (content) => replaced(content, '\n', ''),
      (content) => Buffer.from(content.toString('latin1'), 'utf16le'),
      (content) => Buffer.from(content.toString('latin1'), 'utf8'),
      (content) => Buffer.from(content.toString('base64')),
      (content) => Buffer.concat([Buffer.from('\ufeff'), content]),
    ),
  )
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(edit, { maxLength: 5 }))
    .map(([content, edits]) => edits.reduce((damaged, each) => each(damaged), content).subarray(0, MOST))
}

function replaced(content: Buffer, from: string, to: string): Buffer {
  return Buffer.from(content.toString('latin1').replaceAll(from, to), 'latin1')
}
