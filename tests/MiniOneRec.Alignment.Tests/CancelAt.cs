namespace MiniOneRec.Tests;

/// <summary>Cancels when a step is reported, on the reporting thread.</summary>
internal sealed class CancelAt(long step, CancellationTokenSource cancellation) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step == step)
        {
            cancellation.Cancel();
        }
    }
}
