/** Says in one sentence that Node is too old to run the scripts, which are TypeScript. */
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `vouch needs Node 22.19 or later; this is Node ${process.versions.node}. \`npm ci\` brings Node 24, unless scripts of packages are switched off.`,
  )
  process.exit(1)
}
