/** Imports one of the clients of package.json beside this file, which only `npm run bench` installs. */
export function load<Module>(name: string): Promise<Module> {
  return import(name) as Promise<Module>
}
