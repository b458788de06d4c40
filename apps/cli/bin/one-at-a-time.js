// Lets one process at a time through, by a file that names its holder. Runs before anything is installed: Node's own
// modules only.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const LOOK_EVERY_MS = 200;
/** Who cannot write here cannot install here either; the step that follows says so in its own words. */
const READ_ONLY = ['EACCES', 'EPERM', 'EROFS'];

/** Waits for its turn, calling `waiting` once where it has to. Answers how to give the turn back; a dead holder has none. */
export async function takeTurn(path, waiting) {
  const own = `${path}.${process.pid}`;
  let told = false;
  try {
    writeFileSync(own, String(process.pid));
  } catch (error) {
    if (READ_ONLY.includes(error.code)) return () => undefined;
    throw error;
  }
  try {
    while (!linked(own, path)) {
      const holder = holderOf(path);
      if (holder !== null && !isAlive(holder)) {
        setAside(path, holder);
        continue;
      }
      if (!told) waiting();
      told = true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  } finally {
    rmSync(own, { force: true });
  }
  const release = () => {
    process.off('exit', release);
    rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

/** The name appears with its content or not at all. */
function linked(own, path) {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Of several who see the holder dead, one may have taken the turn meanwhile: then it gets it back. */
function setAside(path, dead) {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (holderOf(aside) !== dead) linked(aside, path);
  rmSync(aside, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
