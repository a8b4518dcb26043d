namespace MiniOneRec.Tests;

/// <summary>Hands reports on at once, on the reporting thread.</summary>
internal sealed class Immediate(Action<TrainingProgress> report) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => report(value);
}
