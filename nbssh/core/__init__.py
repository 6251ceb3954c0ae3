"""The pure middle: declarations and answers in, text and plans out. Sees no clock, environment, file or process."""
