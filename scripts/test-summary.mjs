// Reads vitest's JSON reports (arguments: their paths) and prints what failed, then one line with how many passed and failed.
// It comes last, so that the end of a long output is enough to know what to look at.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
const report = (title, messages) => {
  failed += 1;
  console.log(`\nFAILED ${title}`);
  for (const message of messages) console.log(message.split('\n').slice(0, 40).join('\n'));
};
for (const path of process.argv.slice(2)) {
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    const tests = file.assertionResults;
    passed += tests.filter(({ status }) => status === 'passed').length;
    for (const test of tests.filter(({ status }) => status === 'failed'))
      report(`${file.name}: ${test.fullName}`, test.failureMessages);
    if (file.status === 'failed' && !tests.some(({ status }) => status === 'failed'))
      report(file.name, [file.message]);
  }
}
console.log(`\n${passed} passed, ${failed} failed`);
