using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(5, 0.5)]
    [InlineData(10, 1)]
    public void WarmUp_IsAStraightLine(long step, double expected)
    {
        foreach (var schedule in Enum.GetValues<LearningRateSchedule>())
        {
            Assert.Equal(expected, LearningRate.At(Options(schedule), step, 110), 1e-12);
        }
    }

    [Theory]
    [InlineData(LearningRateSchedule.Cosine, 11, 1)]
    [InlineData(LearningRateSchedule.Cosine, 61, 0.6)]
    [InlineData(LearningRateSchedule.Cosine, 111, 0.2)]
    [InlineData(LearningRateSchedule.Cosine, 36, 0.2 + 0.8 * 0.8535533905932737)]
    [InlineData(LearningRateSchedule.Linear, 11, 1)]
    [InlineData(LearningRateSchedule.Linear, 36, 0.8)]
    [InlineData(LearningRateSchedule.Linear, 111, 0.2)]
    [InlineData(LearningRateSchedule.Constant, 11, 1)]
    [InlineData(LearningRateSchedule.Constant, 110, 1)]
    public void AfterIt_TheScheduleGoesToItsFloor(LearningRateSchedule schedule, long step, double expected) =>
        Assert.Equal(expected, LearningRate.At(Options(schedule), step, 110), 1e-12);

    [Fact]
    public void WarmUp_LongerThanTheRun_StillEndsAtThePeak() =>
        Assert.Equal(1, LearningRate.At(Options(LearningRateSchedule.Cosine), 4, 4), 1e-12);

    private static SftOptions Options(LearningRateSchedule schedule) =>
        new() { LearningRate = 1, WarmupSteps = 10, Schedule = schedule, LearningRateFloor = 0.2 };
}
