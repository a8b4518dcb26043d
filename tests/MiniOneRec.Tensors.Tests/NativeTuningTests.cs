namespace MiniOneRec.Tensors.Tests;

public sealed class NativeTuningTests
{
    [Fact]
    public void Apply_SecondCall_DoesNothing()
    {
        NativeTuning.Apply();

        Assert.False(NativeTuning.Apply());
    }
}
