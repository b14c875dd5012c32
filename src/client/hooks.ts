/** The option `hooks`: functions that are called with each response. */
import { displayName } from '../core/credentials.ts'
import { isPlainObject, ownProperties } from '../core/options.ts'
import { typeName } from '../core/pairs.ts'
import type { ResponseHook } from './prepared-request.ts'

/** The option `hooks`. As in requests, the hooks of a call replace those of the session. */
export interface HooksInit {
  /** Called in order with each response, whose body has been read unless `stream` is set. An error rejects the call. */
  response?: ResponseHook | readonly ResponseHook[] | null | undefined
}

/** The hooks as a list. @throws TypeError for values other than functions, and for an unknown event */
export function toHooks(hooks: HooksInit | null | undefined): readonly ResponseHook[] {
  if (hooks === undefined || hooks === null) return NO_HOOKS
  if (!isPlainObject(hooks)) {
    throw new TypeError(`hooks must be an object such as { response: fn }, not ${typeName(hooks)}`)
  }
  const unknown = Object.keys(hooks).find((name) => name !== 'response')
  if (unknown !== undefined)
    throw new TypeError(`hooks: Unsupported event specified, with event name "${displayName(unknown)}"`)
  const given = ownProperties(hooks).response ?? NO_HOOKS
  const list: readonly unknown[] = Array.isArray(given) ? [...given] : [given]
  if (!list.every((hook) => typeof hook === 'function')) {
    throw new TypeError('hooks.response must be a function or a list of functions')
  }
  return list as readonly ResponseHook[]
}

/** The same hooks, but what is assigned to a property is checked as by {@link toHooks}. */
export function checkedHooks(hooks: HooksInit): HooksInit {
  return new Proxy(hooks, {
    defineProperty(target, name, descriptor) {
      toHooks({ [name]: descriptor.value })
      return Reflect.defineProperty(target, name, descriptor)
    },
  })
}

const NO_HOOKS: readonly ResponseHook[] = []
