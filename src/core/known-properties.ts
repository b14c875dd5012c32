/** Classes whose instances reject unknown properties, since a value assigned to one would be lost. */

/**
 * Makes the assignment of an unknown property of an instance a TypeError. Subclasses may have properties of their own.
 *
 * @param message for the name of the property
 */
export function refuseUnknownProperties(
  Class: { readonly prototype: object },
  message: (name: string) => string,
): void {
  const { prototype } = Class
  // At the end of the prototype chain: only assignments of names that neither the instance nor its class has arrive there.
  const end = new Proxy(Object.create(Object.getPrototypeOf(prototype)), {
    set(_target, name, value, instance) {
      if (typeof name === 'string' && Object.getPrototypeOf(instance) === prototype) throw new TypeError(message(name))
      return Reflect.defineProperty(instance, name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      })
    },
  })
  Object.setPrototypeOf(prototype, end)
}
