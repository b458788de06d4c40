// A child for the supervisor's tests. It answers on stdout what its parent asks for on stdin and by signal.
// MODE: ready (serves until told to stop), crash (dies before it is ready), mute (never says ready), deaf (ignores SIGTERM), talks
// (also through the IPC channel).
const mode = process.env.MODE ?? 'ready';
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

process.on('disconnect', () => process.exit(7));
process.on('SIGTERM', () => {
  if (mode !== 'deaf') process.exit(0);
});
process.on('SIGINT', () => say({ event: 'got-sigint' }));

if (mode === 'crash') {
  process.stderr.write('cannot open the thing\n');
  process.exit(3);
}
if (mode === 'talks') process.send({ type: 'status', lag: 7 });
if (mode !== 'mute') say({ event: 'ready', port: Number(process.env.PORT ?? 4242), given: process.env.GIVEN ?? null });
setInterval(() => undefined, 60_000);
