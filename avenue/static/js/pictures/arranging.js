// Puts the pictures into order and says what is to be said about them.
import "./screen.js";
