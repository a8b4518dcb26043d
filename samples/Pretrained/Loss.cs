using MiniOneRec;

namespace Pretrained;

/// <summary>Prints the loss of every fourth step.</summary>
internal sealed class Loss(Action<string> say) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step % 4 == 0 && value.Metrics.TryGetValue("loss", out double loss))
        {
            say($"sft step {value.Step}: loss {loss:F3}");
        }
    }
}
