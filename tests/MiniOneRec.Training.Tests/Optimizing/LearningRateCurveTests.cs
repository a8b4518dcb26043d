namespace MiniOneRec.Training.Tests;

/// <summary>One formula gives, bit for bit, the rates of the three formulas that recorded runs were made with.</summary>
public sealed class LearningRateCurveTests
{
    public static TheoryData<LearningRateSchedule, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<LearningRateSchedule, int, int>();
            foreach (var schedule in Enum.GetValues<LearningRateSchedule>())
            {
                foreach (int warmup in (int[])[0, 1, 3, 7, 49, 100, 300])
                {
                    foreach (int total in (int[])[1, 2, 7, 100, 211])
                    {
                        cases.Add(schedule, warmup, total);
                    }
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void At_FineTuning_EqualsTheRecordedFormula(LearningRateSchedule schedule, int warmup, int total)
    {
        foreach (double floor in (double[])[0, 0.1, 0.7])
        {
            var curve = new LearningRateCurve { Peak = 2e-3, Schedule = schedule, WarmupSteps = Math.Min(warmup, total),
                TotalSteps = total, Floor = floor };
            for (long step = 1; step <= total; step++)
            {
                Assert.Equal(FineTuning(2e-3, schedule, warmup, floor, step, total), curve.At(step));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void At_Policy_EqualsTheRecordedFormula(LearningRateSchedule schedule, int warmup, int total)
    {
        var curve = new LearningRateCurve { Peak = 2.1e-5, Schedule = schedule, WarmupSteps = warmup, TotalSteps = total };
        for (long step = 1; step <= total; step++)
        {
            Assert.Equal(Policy(2.1e-5, schedule, warmup, total, step), curve.At(step));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void At_Quantizer_EqualsTheRecordedFormula(LearningRateSchedule schedule, int warmup, int total)
    {
        foreach (int batches in (int[])[1, 3, 10])
        {
            var curve = new LearningRateCurve
            {
                Peak = 1.7e-3, Schedule = schedule, WarmupSteps = (long)warmup * batches, TotalSteps = (long)total * batches,
                    ExactPeak = true,
            };
            for (long step = 0; step < (long)total * batches; step++)
            {
                Assert.Equal(Quantizer(1.7e-3, schedule, warmup, total, step, batches), curve.At(step + 1));
            }
        }
    }

    [Fact]
    public void At_Constant_IsThePeak() => Assert.Equal(0.003, new LearningRateCurve { Peak = 0.003, TotalSteps = 5 }.At(4));

    // The three formulas as version 0.1 had them.
    private static double FineTuning(double peak, LearningRateSchedule schedule, int warmupSteps, double floor, long step, long total)
    {
        long warmup = Math.Min(warmupSteps, total);
        if (step <= warmup)
        {
            return peak * step / warmup;
        }

        double progress = (double)(step - 1 - warmup) / Math.Max(1, total - warmup);
        double share = schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            LearningRateSchedule.Linear => 1 - progress,
            _ => 1,
        };
        return peak * (floor + (1 - floor) * share);
    }

    private static double Policy(double peak, LearningRateSchedule schedule, int warmup, int steps, long step)
    {
        if (step <= warmup)
        {
            return peak * step / warmup;
        }

        double done = Math.Clamp((step - 1.0 - warmup) / Math.Max(1, steps - warmup), 0, 1);
        return schedule switch
        {
            LearningRateSchedule.Cosine => peak * 0.5 * (1 + Math.Cos(Math.PI * done)),
            LearningRateSchedule.Linear => peak * (1 - done),
            _ => peak,
        };
    }

    private static double Quantizer(double peak, LearningRateSchedule schedule, int warmupEpochs, int epochs, long step, long batches)
    {
        double warmup = (double)warmupEpochs * batches, total = (double)epochs * batches;
        if (step + 1 < warmup)
        {
            return peak * (step + 1) / warmup;
        }

        double done = Math.Clamp((step - warmup) / Math.Max(1, total - warmup), 0, 1);
        return peak * schedule switch
        {
            LearningRateSchedule.Cosine => (1 + Math.Cos(Math.PI * done)) / 2,
            LearningRateSchedule.Linear => 1 - done,
            _ => 1,
        };
    }
}
