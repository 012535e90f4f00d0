// The thread beside the page in which a picture is made smaller.
import { redraw } from "./shrinking.js";

self.onmessage = async ({ data: { file, wanted } }) => {
  try {
    self.postMessage({ blob: await redraw(file, wanted) });
  } catch (error) {
    self.postMessage({ problem: String(error) });
  }
};
