// @ts-check
/** Questions that come faster than they are answered: one is asked at a time, and of those that wait only the newest. */

/**
 * @template Question, Answer
 * @param {(question: Question) => Promise<Answer>} ask
 * @param {(answer: Answer, question: Question) => void} answered
 * @param {(error: any, question: Question) => void} failed
 * @returns {(question: Question) => void} put a question; it may never be asked where a newer one overtakes it
 */
export function newest(ask, answered, failed) {
  /** @type {Question[]} none or one */
  let waiting = [];
  let busy = false;

  async function work() {
    busy = true;
    while (waiting.length) {
      const [question] = waiting.splice(0);
      try {
        answered(await ask(question), question);
      } catch (error) {
        failed(error, question);
      }
    }
    busy = false;
  }

  return (question) => {
    waiting = [question];
    if (!busy) work();
  };
}
